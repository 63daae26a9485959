-- Prompts that were on a person's stream and have ended before they were opened: their devices are
-- told, in the order of the stream, also those that come back later.
CREATE TABLE recalls (
    subject text NOT NULL,
    position bigint NOT NULL,
    prompt_id text NOT NULL,
    recalled_at timestamptz NOT NULL,
    PRIMARY KEY (subject, position)
);
CREATE INDEX recalls_by_age ON recalls (recalled_at);

-- What once had a position may be on a screen, also where the write was never confirmed. A trigger,
-- so that no way of ending a prompt can forget it. Whoever ends a prompt holds its person's row of
-- the gate, so positions are drawn in the order in which they commit.
CREATE FUNCTION recall() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    drawn bigint;
BEGIN
    INSERT INTO stream_positions AS p VALUES (NEW.subject, 1)
    ON CONFLICT (subject) DO UPDATE SET position = p.position + 1
    RETURNING p.position INTO drawn;
    INSERT INTO recalls VALUES (NEW.subject, drawn, NEW.prompt_id, clock_timestamp());
    RETURN NULL;
END
$$;

CREATE TRIGGER recall AFTER UPDATE OF state ON ledger FOR EACH ROW
WHEN (NEW.channel = 'stream' AND NEW.state = 'suppressed' AND OLD.state <> 'suppressed'
    AND OLD.position IS NOT NULL)
EXECUTE FUNCTION recall();
