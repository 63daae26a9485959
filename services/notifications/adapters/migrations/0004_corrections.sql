-- Statements about one entry of a register: `root_event_id` is the event under whose id the entry's
-- prompts are counted.
ALTER TABLE decisions ADD COLUMN root_event_id text;
UPDATE decisions SET root_event_id = event_id;
ALTER TABLE decisions ALTER COLUMN root_event_id SET NOT NULL;
CREATE INDEX decisions_later ON decisions (root_event_id) WHERE root_event_id <> event_id;

ALTER TABLE ledger ADD COLUMN root_event_id text;
UPDATE ledger SET root_event_id = event_id;
ALTER TABLE ledger ALTER COLUMN root_event_id SET NOT NULL;
CREATE INDEX ledger_root ON ledger (root_event_id, subject);
-- Prompts are looked for by their entry now.
DROP INDEX ledger_event;

-- Prompts that a later statement called off, here already or not: none of them is ever sent.
CREATE TABLE called_off (
    prompt_id text PRIMARY KEY,
    event_id text NOT NULL,
    at timestamptz NOT NULL
);
