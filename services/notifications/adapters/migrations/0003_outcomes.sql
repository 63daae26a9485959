-- What people did with their prompts, once a prompt and kind; told to the log from here.
CREATE TABLE outcomes (
    outcome_id text PRIMARY KEY,
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    subject text NOT NULL,
    prompt_id text NOT NULL,
    nudge text NOT NULL,
    version text NOT NULL,
    channel text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('opened', 'helpful', 'not_helpful', 'done')),
    at timestamptz NOT NULL,
    event_id text NOT NULL,
    traceparent text NOT NULL,
    told_at timestamptz,
    UNIQUE (prompt_id, kind)
);

CREATE INDEX outcomes_waiting ON outcomes (sequence) WHERE told_at IS NULL;
