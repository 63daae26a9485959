"""Digests: the prompts that come back together once what silenced them is lifted."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import sql

from services.kit.postgres import Connection
from services.kit.telemetry import current_traceparent
from services.notifications.adapters.postgres.asks import ASK, ASK_COLUMNS, VERSION, ask_of
from services.notifications.domain import digest
from services.notifications.domain.gate import Ask, Stopped, judge_ended
from services.notifications.domain.ledger import UNFINISHED, State
from services.notifications.domain.permission import PermissionSet
from services.notifications.wire.decisions import decision_from_record

# What a digest that still stands offers already is not offered by another.
_SILENCED: Final = sql.SQL("""
    SELECT {ask}, l.prompt_id, l.not_before, l.expires_at, d.record, now()
    FROM ledger l {version} JOIN decisions d USING (event_id, subject)
    WHERE l.subject = %s AND l.state = 'suppressed' AND l.reason IN ('deceased', 'case_closed')
      AND l.opened_at IS NULL AND v.document IS NOT NULL
      AND (l.expires_at IS NULL OR l.expires_at > now())
      AND NOT EXISTS (SELECT FROM called_off c WHERE c.prompt_id = l.prompt_id)
      AND NOT EXISTS (
        SELECT FROM withdrawn_entries w WHERE w.root_event_id = l.root_event_id)
      AND NOT EXISTS (
        SELECT FROM ledger other WHERE other.prompt_id = l.prompt_id AND other.state = 'opened')
      AND NOT EXISTS (
        SELECT FROM digest_parts p JOIN ledger cover ON cover.prompt_id = p.digest_id
        WHERE p.prompt_id = l.prompt_id AND cover.state = ANY(%s))
    ORDER BY l.created_at, l.prompt_id, l.channel
""").format(ask=ASK, version=VERSION)
_ADD: Final = """
    INSERT INTO ledger (prompt_id, channel, subject, event_id, root_event_id, nudge, major, minor,
        version, scheduled, purpose, controller, epoch, permission_serial, state, not_before,
        expires_at, traceparent, created_at)
    SELECT %(id)s, channel, %(subject)s, %(id)s, %(id)s, %(nudge)s, 1, 0, %(version)s, false, '',
        '', 0, %(serial)s, 'new', %(not_before)s, %(expires_at)s, %(traceparent)s, now()
    FROM unnest(%(channels)s::text[]) AS channel ON CONFLICT DO NOTHING
"""
_ADD_PARTS: Final = """
    INSERT INTO digest_parts SELECT %s, * FROM unnest(%s::text[], %s::text[]) ON CONFLICT DO NOTHING
"""
_PARTS: Final = sql.SQL("""
    SELECT {ask} FROM digest_parts p JOIN ledger l USING (prompt_id, channel) {version}
    WHERE p.digest_id = %s
""").format(ask=ASK, version=VERSION)
_STANDS: Final = [state.value for state in (*UNFINISHED, State.OPENED)]


@dataclass(frozen=True, slots=True)
class _Part:
    ask: Ask
    prompt_id: str
    not_before: datetime
    expires_at: datetime | None


async def bring_back(connection: Connection, new: PermissionSet) -> None:
    """Offer again what is no longer silenced and still has time: what is due as one prompt."""
    cursor = await connection.execute(_SILENCED, (new.subject, _STANDS))
    groups: defaultdict[str, list[_Part]] = defaultdict(list)
    for row in await cursor.fetchall():
        part, now = _part(row, new), row[-1]
        if part is not None:
            waits = part.prompt_id if part.not_before > now else ""
            groups[waits].append(part)
    for waits, parts in groups.items():
        await _offer(connection, new, digest.digest_id(new.subject, new.serial, waits), parts)


def _part(row: Sequence[Any], new: PermissionSet) -> _Part | None:
    ask, (prompt_id, not_before, expires_at, record, now) = ask_of(row), row[ASK_COLUMNS:]
    decided = decision_from_record(record).nudge_of(prompt_id)
    if judge_ended(ask, new) is not None or decided is None:
        return None
    if not digest.has_time(decided.parameters, now.date()):
        return None
    return _Part(ask, prompt_id, not_before, expires_at)


async def _offer(
    connection: Connection, new: PermissionSet, made: str, parts: Sequence[_Part]
) -> None:
    ends = [part.expires_at for part in parts]
    values = {
        "id": made,
        "subject": new.subject,
        "nudge": digest.NUDGE,
        "version": digest.VERSION,
        "serial": new.serial,
        "not_before": max(part.not_before for part in parts),
        "expires_at": None if None in ends else max(each for each in ends if each),
        "traceparent": current_traceparent(),
        "channels": sorted({part.ask.channel for part in parts}),
    }
    await connection.execute(_ADD, values)
    # Of a prompt that was meant for two channels, one row stands for both.
    channels = {part.prompt_id: part.ask.channel for part in parts}
    await connection.execute(_ADD_PARTS, (made, list(channels), list(channels.values())))


async def ended(connection: Connection, digest_id: str, new: PermissionSet) -> Stopped | None:
    """Why nothing of a digest stands any more; None while something does."""
    cursor = await connection.execute(_PARTS, (digest_id,))
    verdicts = [judge_ended(ask_of(row), new) for row in await cursor.fetchall()]
    stopped = [each for each in verdicts if isinstance(each, Stopped)]
    return stopped[0] if stopped and len(stopped) == len(verdicts) else None
