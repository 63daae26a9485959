-- The gate's own copy of what people permit. Written by Fence, by the permissions.v1 consumer and
-- by reading identity through; the highest serial wins, under the lock on the person's row here.
CREATE TABLE gate_subjects (
    subject text PRIMARY KEY,
    serial bigint NOT NULL
);

CREATE TABLE gate_permissions (
    subject text NOT NULL REFERENCES gate_subjects,
    purpose text NOT NULL,
    controller text NOT NULL,
    choice text NOT NULL CHECK (choice IN ('unsaid', 'given', 'withdrawn')),
    epoch bigint NOT NULL,
    serial bigint NOT NULL,
    channels text[] NOT NULL,
    expires_at timestamptz,
    basis text NOT NULL,
    PRIMARY KEY (subject, purpose, controller)
);

CREATE TABLE gate_flags (
    subject text NOT NULL REFERENCES gate_subjects,
    flag text NOT NULL CHECK (flag IN ('deceased')),
    PRIMARY KEY (subject, flag)
);
