-- Tokens are good for one request; a row is forgotten once its token has expired.
CREATE TABLE spent_assertions (
    publisher  text        NOT NULL,
    jti        text        NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (publisher, jti)
);
CREATE INDEX spent_assertions_expiry ON spent_assertions (expires_at);

-- One row an event, for ever: the key that makes a retry the same event.
-- The body itself is not kept, only its digest.
CREATE TABLE admissions (
    publisher     text        NOT NULL,
    source        text        NOT NULL,
    id            text        NOT NULL,
    event_id      text        NOT NULL,
    type          text        NOT NULL,
    body_sha256   bytea       NOT NULL,
    state         text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done')),
    -- Who is admitting it (their token's jti) and since when; NULL once given up.
    claim         text        NOT NULL,
    claimed_at    timestamptz,
    received_at   timestamptz NOT NULL,
    -- Records written, one a concerned person; NULL until all are acknowledged.
    records       integer,
    on_the_log_at timestamptz,
    traceparent   text        NOT NULL,
    PRIMARY KEY (publisher, source, id)
);
CREATE INDEX admissions_event_id ON admissions (event_id);

-- Which persons of an event a decision was seen for, as digests: only how many is ever asked.
CREATE TABLE decided (
    event_id text  NOT NULL,
    mark     bytea NOT NULL,
    PRIMARY KEY (event_id, mark)
);
