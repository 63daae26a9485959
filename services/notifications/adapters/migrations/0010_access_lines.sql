-- Who read what of a person here, committed with the read: an outbox, until identity has the line.
-- The first key is in the order of a person's log, which identity asks for meanwhile.
CREATE TABLE access_lines (
    subject text NOT NULL,
    at timestamptz NOT NULL,
    id text COLLATE "C" NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    reader_kind text NOT NULL,
    purpose text NOT NULL,
    lawful_basis text NOT NULL,
    fields text[] NOT NULL,
    event_id text NOT NULL,
    prompt_id text NOT NULL,
    trace_id text NOT NULL,
    PRIMARY KEY (subject, at, id)
);
