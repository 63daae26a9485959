"""Decisions as they are kept, and the ledger rows they ask for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from psycopg import sql

from services.kit.postgres import Connection
from services.notifications.adapters.postgres import corrections
from services.notifications.adapters.postgres.access_lines import add_lines
from services.notifications.adapters.postgres.store import Store
from services.notifications.domain.access_line import Look
from services.notifications.domain.decision import Arrival
from services.notifications.domain.explanation import Delivery, Kept
from services.notifications.domain.ledger import (
    Channel,
    NewRow,
    State,
    called_off_by,
    rows_of,
)
from services.notifications.domain.nudge import version_parts
from services.notifications.ports import Admission, LookedUp
from services.notifications.wire.decisions import decision_from_record

# A prompt that an earlier statement brought is not brought again, on no other channel either; one
# that was called off before it came is kept as that.
_INSERT_ROW: Final = """
    INSERT INTO ledger (prompt_id, channel, subject, event_id, root_event_id, nudge, major, minor,
        version, scheduled, purpose, controller, epoch, permission_serial, not_before, expires_at,
        traceparent, case_id, created_at, state, reason, ended_at)
    SELECT %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::timestamptz, %s, %s, %s,
        CASE WHEN o.at IS NULL THEN 'new' ELSE 'suppressed' END,
        CASE WHEN o.at IS NULL THEN '' ELSE 'called_off' END, o.at
    FROM (VALUES (%s)) AS p (prompt_id) LEFT JOIN LATERAL (
        SELECT at FROM called_off WHERE prompt_id = p.prompt_id
        UNION ALL SELECT at FROM withdrawn_entries WHERE root_event_id = %s LIMIT 1) AS o ON true
    WHERE NOT EXISTS (SELECT FROM ledger l WHERE l.prompt_id = p.prompt_id AND l.event_id <> %s)
    ON CONFLICT (prompt_id, channel) DO NOTHING
"""

# By a digest: the order of insertion or of handles would say something of the persons.
_OF_EVENT: Final = sql.SQL("""
    SELECT record, traceparent FROM decisions
    WHERE event_id = %s AND (%s::text IS NULL OR subject = %s)
    ORDER BY sha256(convert_to(event_id || subject, 'UTF8'))
""")
_EVENT_OF: Final = sql.SQL("""
    SELECT event_id FROM ledger
    WHERE prompt_id = %s AND (%s::text IS NULL OR subject = %s) LIMIT 1
""")
_DELIVERIES: Final = sql.SQL("""
    SELECT prompt_id, channel, state, reason,
        CASE state WHEN 'new' THEN created_at WHEN 'claimed' THEN claimed_at
            WHEN 'sent' THEN sent_at WHEN 'delivered' THEN delivered_at
            WHEN 'opened' THEN opened_at ELSE coalesce(ended_at, created_at) END
    FROM ledger WHERE prompt_id = ANY(%s) AND (%s::text IS NULL OR subject = %s)
    ORDER BY prompt_id, channel
""")
_STATEMENTS: Final = sql.SQL("""
    SELECT event_id FROM (
        SELECT event_id, subject, decided_at FROM decisions WHERE event_id = %s
        UNION ALL
        SELECT event_id, subject, decided_at FROM decisions
        WHERE root_event_id = %s AND root_event_id <> event_id) AS told
    WHERE %s::text IS NULL OR subject = %s
    GROUP BY event_id ORDER BY min(decided_at), event_id
""")


class PostgresDecisions:
    """The port Decisions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def admit(self, arrivals: Sequence[Arrival], now: datetime) -> Admission:
        """Keep what is first, and write its rows, in one transaction."""

        async def work(connection: Connection) -> Admission:
            first = await self._keep(connection, arrivals, now)
            rows = [row for arrival in first for row in rows_of(arrival, now)]
            called_off = called_off_by(first)
            if called_off:
                await corrections.lock(connection, called_off)
                await corrections.remember(connection, called_off, now)
            await self._write(connection, rows, now)
            ended: list[str] = []
            if called_off:
                await corrections.correct(connection, rows)
                ended = await corrections.call_off(connection, called_off, now)
            return Admission(
                decisions=len(first),
                rows=len(rows),
                subjects=tuple(dict.fromkeys([*(row.subject for row in rows), *ended])),
                called_off=len(ended),
            )

        return await self._store.run(work)

    async def _keep(
        self, connection: Connection, arrivals: Sequence[Arrival], now: datetime
    ) -> list[Arrival]:
        """Those that are the first for their event and person, in the log's order."""
        first: dict[tuple[str, str], Arrival] = {}
        for each in arrivals:
            first.setdefault((each.decision.event_id, each.decision.subject), each)
        # In one order everywhere, so that two replicas with the same records never wait for each
        # other.
        ordered = [first[key] for key in sorted(first)]
        cursor = await connection.execute(
            "INSERT INTO decisions (event_id, root_event_id, subject, record, traceparent,"
            " decided_at, admitted_at)"
            " SELECT *, %s FROM unnest(%s::text[], %s::text[], %s::text[], %s::bytea[], %s::text[],"
            " %s::timestamptz[])"
            " ON CONFLICT (event_id, subject) DO NOTHING RETURNING event_id, subject",
            (
                now,
                [each.decision.event_id for each in ordered],
                [each.decision.root_event_id for each in ordered],
                [each.decision.subject for each in ordered],
                [each.record for each in ordered],
                [each.traceparent for each in ordered],
                [each.decision.decided_at for each in ordered],
            ),
        )
        kept = set(await cursor.fetchall())
        return [arrival for key, arrival in first.items() if key in kept]

    async def _write(self, connection: Connection, rows: Sequence[NewRow], now: datetime) -> None:
        ordered = sorted(rows, key=lambda row: (row.prompt_id, row.channel))
        if ordered:
            async with connection.cursor() as cursor:
                await cursor.executemany(_INSERT_ROW, [_columns(row, now) for row in ordered])

    async def look_up(self, an_id: str, subject: str | None, look: Look) -> LookedUp | None:
        """Everything of one instant, and the lines of whoever is looked at with it."""

        async def work(connection: Connection) -> LookedUp | None:
            kept = await _of_event(connection, an_id, subject)
            if not kept:
                asked = (an_id, subject, subject)
                found = await (await connection.execute(_EVENT_OF, asked)).fetchone()
                kept = await _of_event(connection, found[0], subject) if found else []
            if not kept:
                return None
            looked_at = (each.decision for each in kept)
            lines = [look.at_decision(each.subject, each.event_id) for each in looked_at]
            await add_lines(connection, lines)
            prompts = [nudge.prompt_id for each in kept for nudge in each.decision.nudges]
            asked_of = await connection.execute(_DELIVERIES, (prompts, subject, subject))
            root = kept[0].decision.root_event_id
            told = await connection.execute(_STATEMENTS, (root, root, subject, subject))
            return LookedUp(
                kept,
                [_delivery(row) for row in await asked_of.fetchall()],
                [str(row[0]) for row in await told.fetchall()],
            )

        return await self._store.run(work)


async def _of_event(connection: Connection, event_id: str, subject: str | None) -> list[Kept]:
    rows = await connection.execute(_OF_EVENT, (event_id, subject, subject))
    return [Kept(decision_from_record(record), trace) for record, trace in await rows.fetchall()]


def _delivery(row: Sequence[Any]) -> Delivery:
    prompt_id, channel, state, reason, at = row
    return Delivery(prompt_id, Channel(channel), State(state), reason, at)


def _columns(row: NewRow, now: datetime) -> tuple[object, ...]:
    major, minor = version_parts(row.version)
    return (
        *(row.prompt_id, row.channel.value, row.subject, row.event_id, row.root_event_id),
        *(row.nudge, major, minor, row.version, row.scheduled, row.purpose, row.controller),
        *(row.epoch, row.permission_serial, row.not_before, row.expires_at, row.traceparent),
        *(row.case_id, now),
        *(row.prompt_id, row.root_event_id, row.event_id),
    )
