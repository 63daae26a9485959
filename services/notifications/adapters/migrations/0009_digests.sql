-- What a digest offers again: the prompts it covers, on the channel they were meant for.
CREATE TABLE digest_parts (
    digest_id text NOT NULL,
    prompt_id text NOT NULL,
    channel text NOT NULL,
    PRIMARY KEY (digest_id, prompt_id),
    FOREIGN KEY (prompt_id, channel) REFERENCES ledger
);
CREATE INDEX digest_parts_of_prompt ON digest_parts (prompt_id);
-- What a flag or a closed case has silenced, and what a correction may bring back.
CREATE INDEX ledger_silenced ON ledger (subject)
    WHERE state = 'suppressed' AND reason IN ('deceased', 'case_closed');
