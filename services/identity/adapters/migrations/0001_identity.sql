-- People. The serial rises at every change of the person's permissions and flags; its row is
-- the lock under which they change.
CREATE TABLE subjects (
    handle text PRIMARY KEY,
    serial bigint NOT NULL DEFAULT 0,
    language text NOT NULL CHECK (language IN ('en', 'cy')),
    nation text NOT NULL CHECK (nation IN ('E', 'W', 'S', 'NI')),
    created_at timestamptz NOT NULL
);

-- Of an identifier only a keyed digest is kept.
CREATE TABLE subject_identifiers (
    hmac bytea PRIMARY KEY,
    scheme text NOT NULL,
    handle text NOT NULL REFERENCES subjects
);
CREATE INDEX subject_identifiers_by_handle ON subject_identifiers (handle);

CREATE TABLE sign_ins (
    issuer text NOT NULL,
    sub text NOT NULL,
    handle text NOT NULL REFERENCES subjects,
    PRIMARY KEY (issuer, sub),
    UNIQUE (issuer, handle)
);

-- Events as they were answered: the same event is always answered the same.
CREATE TABLE resolved_events (
    event_id text PRIMARY KEY,
    type text NOT NULL,
    publisher text NOT NULL,
    case_id text NOT NULL,
    answer jsonb NOT NULL,
    resolved_at timestamptz NOT NULL
);

-- Which events are no longer in force, and through which. A row may come before its event.
CREATE TABLE superseded_events (
    event_id text NOT NULL,
    by_event_id text NOT NULL,
    type text NOT NULL,
    publisher text NOT NULL,
    cancelled boolean NOT NULL,
    in_force boolean NOT NULL DEFAULT true,
    PRIMARY KEY (event_id, by_event_id)
);
CREATE INDEX superseded_events_by ON superseded_events (by_event_id);

CREATE TABLE subject_events (
    handle text NOT NULL REFERENCES subjects,
    event_id text NOT NULL,
    type text NOT NULL,
    PRIMARY KEY (handle, event_id)
);

-- The personal record. What an operator said at registration has the source 'registration'.
CREATE TABLE record_fields (
    handle text NOT NULL REFERENCES subjects,
    field text NOT NULL,
    source_event text NOT NULL,
    value jsonb NOT NULL,
    controller text NOT NULL,
    occurred text NOT NULL,
    registered_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    lawful_basis text NOT NULL,
    PRIMARY KEY (handle, field, source_event)
);

CREATE TABLE cases (
    case_id text PRIMARY KEY,
    kind text NOT NULL,
    anchor text NOT NULL REFERENCES subjects,
    birth_date text NOT NULL,
    sex text NOT NULL,
    forename_hmac bytea,
    created_at timestamptz NOT NULL
);
CREATE INDEX cases_by_anchor ON cases (anchor);

CREATE TABLE case_members (
    case_id text NOT NULL REFERENCES cases,
    handle text NOT NULL REFERENCES subjects,
    PRIMARY KEY (case_id, handle)
);
CREATE INDEX case_members_by_handle ON case_members (handle);

-- One row for each (person, purpose, controller). `ended`: the epoch counts the end of what was
-- given last; `ended_serial` is the serial of that end, `took_effect_at` when it held everywhere.
CREATE TABLE permissions (
    handle text NOT NULL REFERENCES subjects,
    purpose text NOT NULL,
    controller text NOT NULL,
    choice text NOT NULL CHECK (choice IN ('given', 'withdrawn')),
    epoch bigint NOT NULL,
    lawful_basis text NOT NULL,
    channels text[] NOT NULL,
    expires_at timestamptz,
    agreement_hash text NOT NULL,
    ended boolean NOT NULL,
    ended_serial bigint,
    took_effect_at timestamptz,
    PRIMARY KEY (handle, purpose, controller)
);
CREATE INDEX permissions_to_expire ON permissions (expires_at) WHERE choice = 'given' AND NOT ended;

CREATE TABLE permission_history (
    handle text NOT NULL REFERENCES subjects,
    serial bigint NOT NULL,
    purpose text NOT NULL,
    controller text NOT NULL,
    choice text NOT NULL,
    epoch bigint NOT NULL,
    at timestamptz NOT NULL,
    signed_by text NOT NULL,
    agreement_hash text NOT NULL,
    hash text NOT NULL,
    previous_hash text NOT NULL,
    PRIMARY KEY (handle, serial)
);

-- A flag stands as long as one of the events that put it up is in force.
CREATE TABLE flags (
    handle text NOT NULL REFERENCES subjects,
    flag text NOT NULL,
    event_id text NOT NULL,
    PRIMARY KEY (handle, flag, event_id)
);
CREATE INDEX flags_by_event ON flags (event_id);

-- What has yet to be told to the log: each row a person's whole set.
CREATE TABLE outbox (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE,
    handle text NOT NULL,
    value bytea NOT NULL,
    traceparent text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX outbox_by_handle ON outbox (handle, position);

-- Fences that do not hold everywhere yet; a newer one of the same person replaces the older.
CREATE TABLE fences (
    handle text PRIMARY KEY REFERENCES subjects,
    serial bigint NOT NULL,
    requested_at timestamptz NOT NULL
);

-- Leases are compared with the database's clock alone.
CREATE TABLE enforcement_points (
    instance text PRIMARY KEY,
    address text NOT NULL,
    lease_until timestamptz NOT NULL
);
