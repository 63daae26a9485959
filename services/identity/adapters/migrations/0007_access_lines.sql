-- Who read what of a person: names of fields, never values. No reference to the person's row: a
-- refused attempt is written down in the same way whether or not it names somebody known. The first
-- key serves the person who reads their log, and makes a line that is told again the same one; its
-- order is the one in which pages are put together from several places.
CREATE TABLE access_lines (
    subject text NOT NULL,
    at timestamptz NOT NULL,
    id text COLLATE "C" NOT NULL,
    reader_kind text NOT NULL,
    reader text NOT NULL,
    action text NOT NULL,
    purpose text NOT NULL,
    lawful_basis text NOT NULL,
    fields text[] NOT NULL,
    event_id text NOT NULL,
    prompt_id text NOT NULL,
    trace_id text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (subject, at, id)
);
CREATE INDEX access_lines_to_forget ON access_lines (at);
