-- What became of permissions and prompts in the order in which it committed for a person, drawn by
-- the database itself: whoever changes the gate's rows holds the person's row FOR UPDATE, whoever
-- claims or opens holds it FOR SHARE, each until it commits, and each number is drawn in between.
CREATE TABLE race_log (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    subject text NOT NULL,
    purpose text NOT NULL,
    controller text NOT NULL,
    epoch bigint NOT NULL,
    state text NOT NULL,
    was text NOT NULL DEFAULT '',
    prompt_id text NOT NULL DEFAULT '',
    channel text NOT NULL DEFAULT '',
    event_id text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    fence bigint NOT NULL DEFAULT 0,
    begun_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION race_permission() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO race_log (kind, subject, purpose, controller, epoch, state)
    VALUES ('permission', NEW.subject, NEW.purpose, NEW.controller, NEW.epoch, NEW.choice);
    RETURN NULL;
END
$$;

CREATE FUNCTION race_prompt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO race_log (kind, subject, purpose, controller, epoch, state, was,
        prompt_id, channel, event_id, reason, fence)
    VALUES ('prompt', NEW.subject, NEW.purpose, NEW.controller, NEW.epoch, NEW.state,
        CASE WHEN TG_OP = 'UPDATE' THEN OLD.state ELSE '' END,
        NEW.prompt_id, NEW.channel, NEW.event_id, NEW.reason, NEW.fence);
    RETURN NULL;
END
$$;

CREATE TRIGGER race_permission AFTER INSERT ON gate_permissions
FOR EACH ROW EXECUTE FUNCTION race_permission();
CREATE TRIGGER race_prompt_new AFTER INSERT ON ledger
FOR EACH ROW EXECUTE FUNCTION race_prompt();
CREATE TRIGGER race_prompt AFTER UPDATE OF state ON ledger
FOR EACH ROW EXECUTE FUNCTION race_prompt();
