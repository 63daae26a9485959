-- Entries that the register withdrew: no prompt of theirs is ever sent, whoever's it is.
CREATE TABLE withdrawn_entries (
    root_event_id text PRIMARY KEY,
    event_id text NOT NULL,
    at timestamptz NOT NULL
);
