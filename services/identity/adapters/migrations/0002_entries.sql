-- An event is a statement about an entry of its publisher's register. Those that belong together
-- have one `entry_id`; it is empty where an event stands alone. `position` is how they arrived.
ALTER TABLE resolved_events
    ADD COLUMN position bigint GENERATED ALWAYS AS IDENTITY,
    ADD COLUMN reason text NOT NULL DEFAULT 'registered',
    ADD COLUMN supersedes text NOT NULL DEFAULT '',
    ADD COLUMN registered_at timestamptz,
    ADD COLUMN sequence bigint NOT NULL DEFAULT 0,
    ADD COLUMN entry_id text NOT NULL DEFAULT '',
    ADD COLUMN root_event_id text NOT NULL DEFAULT '',
    ADD COLUMN standing text NOT NULL DEFAULT 'in_force';

-- A cancellation that was taken back counts for nothing, as if it had never come.
UPDATE resolved_events r SET
    supersedes = s.event_id,
    reason = CASE WHEN s.cancelled THEN 'cancelled' ELSE 'formal_correction' END
FROM superseded_events s
WHERE s.by_event_id = r.event_id AND s.in_force AND (s.type, s.publisher) = (r.type, r.publisher);

WITH RECURSIVE above (event_id, top) AS (
    SELECT event_id, supersedes FROM resolved_events WHERE supersedes <> ''
    UNION SELECT a.event_id, r.supersedes
    FROM above a JOIN resolved_events r ON r.event_id = a.top WHERE r.supersedes <> ''
), entries (event_id, entry_id) AS (
    SELECT event_id, top FROM above a WHERE NOT EXISTS (
        SELECT FROM resolved_events r WHERE r.event_id = a.top AND r.supersedes <> '')
)
UPDATE resolved_events r SET entry_id = e.entry_id
FROM (SELECT * FROM entries UNION SELECT entry_id, entry_id FROM entries) e
WHERE r.event_id = e.event_id;

UPDATE resolved_events SET
    registered_at = resolved_at,
    root_event_id = CASE entry_id WHEN '' THEN event_id ELSE entry_id END;
ALTER TABLE resolved_events ALTER COLUMN registered_at SET NOT NULL;
CREATE INDEX resolved_events_by_entry ON resolved_events (entry_id) WHERE entry_id <> '';
CREATE INDEX resolved_events_superseding ON resolved_events (supersedes) WHERE supersedes <> '';

-- Events whose facts do not count: cancelled, or replaced by a later statement. A row may come
-- before its event.
CREATE TABLE void_events (event_id text PRIMARY KEY);
INSERT INTO void_events SELECT DISTINCT event_id FROM superseded_events WHERE in_force;
DROP TABLE superseded_events;

-- By what the same fact is known when it is told again under another id.
ALTER TABLE subject_events ADD COLUMN fact_digest bytea;

-- Of several cases that a child might belong to, the one that was opened first is meant.
ALTER TABLE cases ADD COLUMN position bigint GENERATED ALWAYS AS IDENTITY;
