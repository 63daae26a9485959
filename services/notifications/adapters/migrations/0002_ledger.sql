-- Every decision, the first one for an event and a person; refusals too.
CREATE TABLE decisions (
    event_id text NOT NULL,
    subject text NOT NULL,
    record bytea NOT NULL,
    traceparent text NOT NULL,
    decided_at timestamptz NOT NULL,
    admitted_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, subject)
);

-- Every version of a nudge that was ever loaded; its first text stays.
CREATE TABLE nudge_versions (
    id text NOT NULL,
    major integer NOT NULL,
    minor integer NOT NULL,
    version text NOT NULL,
    document jsonb NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, major, minor)
);

-- The queue and the scheduler. `fence` rises with every claim and every lapse.
CREATE TABLE ledger (
    prompt_id text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('inbox', 'stream')),
    subject text NOT NULL,
    event_id text NOT NULL,
    nudge text NOT NULL,
    major integer NOT NULL,
    minor integer NOT NULL,
    version text NOT NULL,
    scheduled boolean NOT NULL,
    purpose text NOT NULL,
    controller text NOT NULL,
    epoch bigint NOT NULL,
    permission_serial bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('new', 'claimed', 'sent', 'delivered', 'opened',
                                         'suppressed', 'expired', 'failed', 'dead')),
    reason text NOT NULL DEFAULT '',
    fence bigint NOT NULL DEFAULT 0,
    lease_expires timestamptz,
    attempt integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL,
    expires_at timestamptz,
    position bigint,
    traceparent text NOT NULL,
    answer text CHECK (answer IN ('helpful', 'not_helpful', 'done')),
    created_at timestamptz NOT NULL,
    claimed_at timestamptz,
    sent_at timestamptz,
    delivered_at timestamptz,
    opened_at timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (prompt_id, channel)
);

CREATE INDEX ledger_event ON ledger (event_id);
CREATE INDEX ledger_due ON ledger (not_before) WHERE state = 'new' AND channel = 'inbox';
CREATE INDEX ledger_waiting ON ledger (subject) WHERE state IN ('new', 'claimed', 'sent', 'delivered', 'failed');
CREATE INDEX ledger_lapsing ON ledger (lease_expires) WHERE state = 'claimed';
CREATE INDEX ledger_expiring ON ledger (expires_at) WHERE state IN ('new', 'claimed', 'sent', 'delivered', 'failed');
CREATE INDEX ledger_stream ON ledger (subject, position)
    WHERE channel = 'stream' AND state IN ('claimed', 'sent', 'delivered');
CREATE INDEX ledger_inbox ON ledger (subject, sent_at DESC, prompt_id)
    WHERE channel = 'inbox' AND state IN ('sent', 'delivered', 'opened');

-- The last position drawn on each person's stream, under this row's lock and in the transaction
-- that uses it: so positions of a person commit in their order.
CREATE TABLE stream_positions (
    subject text PRIMARY KEY,
    position bigint NOT NULL
);
