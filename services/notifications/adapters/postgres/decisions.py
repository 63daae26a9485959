"""Decisions as they are kept, and the ledger rows they ask for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from psycopg import sql

from services.kit.postgres import Connection
from services.notifications.adapters.postgres.store import Store
from services.notifications.domain.decision import Arrival
from services.notifications.domain.explanation import Delivery, Kept
from services.notifications.domain.ledger import (
    Channel,
    NewRow,
    Reason,
    State,
    called_off_by,
    rows_of,
)
from services.notifications.domain.nudge import version_parts
from services.notifications.ports import Admission
from services.notifications.wire.decisions import decision_from_record

_INSERT_ROW: Final = """
    INSERT INTO ledger (prompt_id, channel, subject, event_id, nudge, major, minor, version,
        scheduled, purpose, controller, epoch, permission_serial, state, not_before, expires_at,
        traceparent, created_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'new', %s, %s, %s, %s)
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
    FROM ledger WHERE event_id = %s AND (%s::text IS NULL OR subject = %s)
    ORDER BY prompt_id, channel
""")


class PostgresDecisions:
    """The port Decisions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def admit(self, arrivals: Sequence[Arrival], now: datetime) -> Admission:
        """Keep what is first, and write its rows, in one transaction."""
        # In one order everywhere, so that two replicas with the same records never wait for each
        # other; the sort is stable, so of two for the same event and person the first stays first.
        ordered = sorted(arrivals, key=lambda each: (each.decision.event_id, each.decision.subject))

        async def work(connection: Connection) -> Admission:
            first = await self._keep(connection, ordered, now)
            rows = [row for arrival in first for row in rows_of(arrival, now)]
            rows.sort(key=lambda row: (row.prompt_id, row.channel))
            if rows:
                async with connection.cursor() as cursor:
                    await cursor.executemany(_INSERT_ROW, [_columns(row, now) for row in rows])
            await self._call_off(connection, first, now)
            return Admission(
                decisions=len(first),
                rows=len(rows),
                subjects=tuple(dict.fromkeys(row.subject for row in rows)),
            )

        return await self._store.run(work)

    async def _keep(
        self, connection: Connection, arrivals: Sequence[Arrival], now: datetime
    ) -> list[Arrival]:
        cursor = await connection.execute(
            "INSERT INTO decisions (event_id, subject, record, traceparent, decided_at,"
            " admitted_at)"
            " SELECT *, %s FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::text[],"
            " %s::timestamptz[])"
            " ON CONFLICT (event_id, subject) DO NOTHING RETURNING event_id, subject",
            (
                now,
                [each.decision.event_id for each in arrivals],
                [each.decision.subject for each in arrivals],
                [each.record for each in arrivals],
                [each.traceparent for each in arrivals],
                [each.decision.decided_at for each in arrivals],
            ),
        )
        kept = set(await cursor.fetchall())
        first: dict[tuple[str, str], Arrival] = {}
        for each in arrivals:
            first.setdefault((each.decision.event_id, each.decision.subject), each)
        return [arrival for key, arrival in first.items() if key in kept]

    async def _call_off(
        self, connection: Connection, first: Sequence[Arrival], now: datetime
    ) -> None:
        for each in called_off_by(first):
            await connection.execute(
                "UPDATE ledger SET state = 'suppressed', reason = %s, ended_at = %s"
                " WHERE subject = %s AND nudge = %s AND scheduled AND state = 'new'",
                (Reason.CALLED_OFF.value, now, each.subject, each.nudge),
            )

    async def of_event(self, event_id: str, subject: str | None) -> list[Kept]:
        """An event's decisions in a stable order; only one person's if one is given."""
        rows = await self._store.one(_OF_EVENT, (event_id, subject, subject))
        return [Kept(decision_from_record(record), trace) for record, trace in rows]

    async def event_of(self, prompt_id: str, subject: str | None) -> str | None:
        """The event a prompt came from; None if there is none, or it is somebody else's."""
        rows = await self._store.one(_EVENT_OF, (prompt_id, subject, subject))
        return str(rows[0][0]) if rows else None

    async def deliveries(self, event_id: str, subject: str | None) -> list[Delivery]:
        """Where the event's prompts stand."""
        rows = await self._store.one(_DELIVERIES, (event_id, subject, subject))
        return [
            Delivery(prompt_id, Channel(channel), State(state), reason, at)
            for prompt_id, channel, state, reason, at in rows
        ]


def _columns(row: NewRow, now: datetime) -> tuple[object, ...]:
    major, minor = version_parts(row.version)
    return (
        *(row.prompt_id, row.channel.value, row.subject, row.event_id, row.nudge),
        *(major, minor, row.version, row.scheduled, row.purpose, row.controller, row.epoch),
        *(row.permission_serial, row.not_before, row.expires_at, row.traceparent, now),
    )
