"""What later statements about an entry do to the prompts that came of the earlier ones."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from services.kit.postgres import Connection
from services.notifications.domain.ledger import CalledOff, NewRow, Reason
from services.notifications.domain.nudge import version_parts

# The gate's row first, as everywhere; and alone, so that an opening at the same moment sees a
# prompt either as it was or as it is, with the decision that goes with it.
_LOCK_PEOPLE: Final = (
    "SELECT FROM gate_subjects WHERE subject = ANY(%s) ORDER BY subject FOR UPDATE"
)
_LOCK_ENTRIES: Final = """
    SELECT FROM ledger WHERE root_event_id = ANY(%s) ORDER BY prompt_id, channel FOR UPDATE
"""
_REMEMBER: Final = """
    INSERT INTO called_off (prompt_id, event_id, at)
    SELECT *, %s FROM unnest(%s::text[], %s::text[]) ON CONFLICT DO NOTHING
"""
_REMEMBER_ENTRIES: Final = """
    INSERT INTO withdrawn_entries (root_event_id, event_id, at)
    SELECT *, %s FROM unnest(%s::text[], %s::text[]) ON CONFLICT DO NOTHING
"""
# The row's permission stays the one it was sent on; what is said and until when is the new word.
_CORRECT: Final = """
    UPDATE ledger l SET event_id = c.event_id, minor = c.minor, version = c.version,
        scheduled = c.scheduled, not_before = c.not_before, expires_at = c.expires_at
    FROM unnest(%s::text[], %s::text[], %s::int[], %s::text[], %s::boolean[], %s::timestamptz[],
        %s::timestamptz[])
        AS c (prompt_id, event_id, minor, version, scheduled, not_before, expires_at)
    WHERE l.prompt_id = c.prompt_id
      AND l.state NOT IN ('suppressed', 'expired', 'dead')
"""
# What was opened stays opened: it was. No person and no nudge are all of them.
_END_OF_ENTRY: Final = """
    UPDATE ledger l SET reason = %s, ended_at = %s, lease_expires = NULL,
        state = CASE l.state WHEN 'opened' THEN 'opened' ELSE 'suppressed' END
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[])
        AS o (root, subject, nudge, stays)
    WHERE l.root_event_id = o.root AND o.subject IN ('', l.subject)
      AND o.nudge IN ('', l.nudge) AND l.prompt_id <> o.stays AND l.reason <> 'called_off'
      AND l.state NOT IN ('suppressed', 'expired', 'dead')
    RETURNING l.subject
"""
_END_OF_WAITING: Final = """
    WITH w AS (
        SELECT l.prompt_id, l.channel FROM ledger l
        JOIN unnest(%s::text[], %s::text[]) AS o (subject, nudge)
          ON l.subject = o.subject AND l.nudge = o.nudge
        WHERE l.state = 'new' AND l.scheduled
        ORDER BY l.prompt_id, l.channel FOR UPDATE OF l
    )
    UPDATE ledger l SET state = 'suppressed', reason = %s, ended_at = %s
    FROM w WHERE l.prompt_id = w.prompt_id AND l.channel = w.channel RETURNING l.subject
"""


async def lock(connection: Connection, called_off: Sequence[CalledOff]) -> None:
    """Take everything that is about to change, in the order that all take it in."""
    await connection.execute(_LOCK_PEOPLE, [[each.subject for each in called_off]])
    await connection.execute(_LOCK_ENTRIES, [[each.root_event_id for each in called_off]])


async def remember(connection: Connection, called_off: Sequence[CalledOff], now: datetime) -> None:
    """Keep what may not come any more, before what comes with it is written."""
    entries = {each.root_event_id: each.event_id for each in called_off if each.whole_entry}
    roots = sorted(entries)
    await connection.execute(_REMEMBER_ENTRIES, [now, roots, [entries[each] for each in roots]])
    named = {each.prompt_id: each.event_id for each in called_off if each.prompt_id}
    prompts = sorted(named)
    await connection.execute(_REMEMBER, [now, prompts, [named[each] for each in prompts]])


async def correct(connection: Connection, rows: Iterable[NewRow]) -> None:
    """Let prompts that are there already say what the last of these rows says, opened or not."""
    last = {row.prompt_id: row for row in rows if row.event_id != row.root_event_id}
    if not last:
        return
    said = last.values()
    await connection.execute(
        _CORRECT,
        [
            [row.prompt_id for row in said],
            [row.event_id for row in said],
            [version_parts(row.version)[1] for row in said],
            [row.version for row in said],
            [row.scheduled for row in said],
            [row.not_before for row in said],
            [row.expires_at for row in said],
        ],
    )


async def call_off(
    connection: Connection, called_off: Sequence[CalledOff], now: datetime
) -> list[str]:
    """End what is called off; whose prompts that were, a row each."""
    reason = Reason.CALLED_OFF.value
    entries = [each for each in called_off if each.root_event_id]
    of_entry = await connection.execute(
        _END_OF_ENTRY,
        [
            *(reason, now),
            [each.root_event_id for each in entries],
            [each.subject for each in entries],
            [each.nudge for each in entries],
            [each.stays for each in entries],
        ],
    )
    waiting = [each for each in called_off if not each.root_event_id]
    of_waiting = await connection.execute(
        _END_OF_WAITING,
        [[each.subject for each in waiting], [each.nudge for each in waiting], reason, now],
    )
    return [row[0] for row in (*await of_entry.fetchall(), *await of_waiting.fetchall())]
