"""The outbox of access logs: committed with the read, forgotten once identity has the lines."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final

from psycopg import sql

from services.kit.postgres import Connection
from services.notifications.adapters.postgres.store import Store
from services.notifications.domain.access_line import AccessLine, ReaderKind

AT_ONCE: Final = 200

_COLUMNS: Final = sql.SQL("""
    id, subject, at, reader_kind, purpose, lawful_basis, fields, event_id, prompt_id, trace_id
""")
_INSERT: Final = sql.SQL("""
    INSERT INTO access_lines ({columns})
    SELECT id, subject, %s, %s, %s, %s, %s, event_id, %s, %s
    FROM unnest(%s::text[], %s::text[], %s::text[]) AS line (id, subject, event_id)
    ON CONFLICT DO NOTHING
""").format(columns=_COLUMNS)
_OLDEST: Final = sql.SQL("""
    SELECT position, {columns} FROM access_lines ORDER BY position LIMIT %s FOR UPDATE SKIP LOCKED
""").format(columns=_COLUMNS)
_WAITING: Final = sql.SQL("""
    SELECT {columns} FROM access_lines
    WHERE subject = %s AND (at, id) < (coalesce(%s, 'infinity'::timestamptz), %s)
        AND NOT (%s AND reader_kind = 'person')
    ORDER BY at DESC, id DESC LIMIT %s
""").format(columns=_COLUMNS)


async def add_line(connection: Connection, line: AccessLine) -> None:
    """Put a line into the outbox with the transaction that reads; told again, it is the same."""
    await add_lines(connection, [line])


async def add_lines(connection: Connection, lines: Sequence[AccessLine]) -> None:
    """The same for one look at several people: they differ in whose they are alone."""
    if not lines:
        return
    of = lines[0]
    await connection.execute(
        _INSERT,
        (
            *(of.at, of.reader_kind.value, of.purpose, of.lawful_basis, list(of.fields)),
            *(of.prompt_id, of.trace_id),
            [line.id for line in lines],
            [line.subject for line in lines],
            [line.event_id for line in lines],
        ),
    )


class PostgresAccessOutbox:
    """The port AccessOutbox."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def relay(self, hand: Callable[[Sequence[AccessLine]], Awaitable[None]]) -> int:
        """The oldest that nobody else is handing over; what fails is handed over another time."""

        async def work(connection: Connection) -> int:
            # Identity is waited for in between; nothing but these lines is locked meanwhile.
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '15s'")
            cursor = await connection.execute(_OLDEST, (AT_ONCE,))
            rows = await cursor.fetchall()
            if rows:
                await hand([_line(row) for _position, *row in rows])
                await connection.execute(
                    "DELETE FROM access_lines WHERE position = ANY(%s)", ([row[0] for row in rows],)
                )
            return len(rows)

        return await self._store.run(work)

    async def waiting(
        self, subject: str, after: tuple[datetime, str] | None, limit: int, *, others_only: bool
    ) -> list[AccessLine]:
        """Newest first."""
        at, line_id = after or (None, "")
        rows = await self._store.one(_WAITING, (subject, at, line_id, others_only, limit))
        return [_line(row) for row in rows]


def _line(columns: Sequence[Any]) -> AccessLine:
    line_id, subject, at, kind, purpose, basis, fields, event_id, prompt_id, trace_id = columns
    return AccessLine(
        id=line_id,
        subject=subject,
        at=at,
        reader_kind=ReaderKind(kind),
        purpose=purpose,
        lawful_basis=basis,
        fields=tuple(fields),
        event_id=event_id,
        prompt_id=prompt_id,
        trace_id=trace_id,
    )
