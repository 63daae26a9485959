"""The ledger in PostgreSQL: the queue and the scheduler, and the claim behind the gate."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import sql

from services.kit.postgres import Connection
from services.notifications.adapters.postgres.asks import ASK, ASK_COLUMNS, VERSION, ask_of
from services.notifications.adapters.postgres.gate import Views, suppress
from services.notifications.adapters.postgres.store import Store
from services.notifications.domain.gate import (
    Ask,
    Passed,
    ReadThrough,
    Stopped,
    Verdict,
    judge,
)
from services.notifications.domain.ledger import Channel
from services.notifications.domain.permission import PermissionSet
from services.notifications.domain.prompt import OnStream, Recall, StreamItem
from services.notifications.ports import Claimed, ClaimedRow, StoppedRow

_CLAIM_MOST: Final = 100
_DUE_ROWS: Final = sql.SQL("""
    SELECT {ask}, l.subject, l.prompt_id, l.nudge, l.traceparent
    FROM unnest(%s::text[], %s::text[]) AS wanted (subject, channel)
    JOIN ledger l ON l.subject = wanted.subject AND l.channel = wanted.channel {version}
    WHERE l.state = 'new' AND l.not_before <= %s AND v.document IS NOT NULL
    ORDER BY l.created_at, l.prompt_id, l.channel LIMIT %s FOR UPDATE OF l SKIP LOCKED
""").format(ask=ASK, version=VERSION)
# One statement, so one instant: whatever stands at a position is seen before anything behind it.
_STREAM_ROWS: Final = sql.SQL("""
    (SELECT {ask}, l.prompt_id, l.position, l.fence, l.nudge, l.traceparent, NULL::timestamptz
    FROM ledger l {version}
    WHERE l.subject = %s AND l.channel = 'stream' AND l.state IN ('claimed', 'sent', 'delivered')
      AND l.position > %s AND (l.expires_at IS NULL OR l.expires_at > %s)
    ORDER BY l.position LIMIT %s)
    UNION ALL
    (SELECT '', '', 0, 0, '', NULL, '', '', prompt_id, position, 0, '', '', recalled_at
    FROM recalls WHERE subject = %s AND position > %s ORDER BY position LIMIT %s)
    ORDER BY position LIMIT %s
""").format(ask=ASK, version=VERSION)
_MARK_SENT: Final = sql.SQL("""
    WITH k AS (
        SELECT l.prompt_id FROM ledger l
        JOIN unnest(%s::text[], %s::bigint[]) AS w (prompt_id, fence)
          ON l.prompt_id = w.prompt_id AND l.fence = w.fence
        WHERE l.channel = 'stream' AND l.state = 'claimed'
        ORDER BY l.prompt_id FOR UPDATE OF l
    )
    UPDATE ledger l SET state = 'sent', sent_at = %s, lease_expires = NULL
    FROM k WHERE l.prompt_id = k.prompt_id AND l.channel = 'stream' RETURNING l.prompt_id
""")
_DUE_INBOXES: Final = sql.SQL("""
    SELECT DISTINCT subject FROM (
        SELECT l.subject FROM ledger l {version}
        WHERE l.state = 'new' AND l.channel = 'inbox' AND l.not_before <= %s
          AND v.document IS NOT NULL
        ORDER BY l.not_before LIMIT %s
    ) oldest
""").format(version=VERSION)
_DUE_STREAMS: Final = sql.SQL("""
    SELECT k.subject FROM unnest(%s::text[], %s::bigint[]) AS k (subject, position)
    WHERE EXISTS (
        SELECT 1 FROM ledger l
        WHERE l.subject = k.subject AND l.channel = 'stream'
          AND l.state IN ('claimed', 'sent', 'delivered')
          AND l.position > k.position AND (l.expires_at IS NULL OR l.expires_at > %s))
    OR EXISTS (
        SELECT 1 FROM recalls r WHERE r.subject = k.subject AND r.position > k.position)
    OR EXISTS (
        SELECT 1 FROM ledger l {version}
        WHERE l.subject = k.subject AND l.channel = 'stream' AND l.state = 'new'
          AND l.not_before <= %s AND v.document IS NOT NULL)
""").format(version=VERSION)


@dataclass(frozen=True, slots=True)
class _Due:
    ask: Ask
    subject: str
    prompt_id: str
    nudge: str
    traceparent: str


class PostgresLedger:
    """The part of the port Ledger that moves prompts: claims and the way to the streams."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def claim(
        self,
        people: Mapping[str, Collection[Channel]],
        *,
        now: datetime,
        lease: timedelta,
        guard: Callable[[], None] = lambda: None,
    ) -> Claimed:
        """Let what is due through the gate, in one transaction with its claim."""

        async def work(connection: Connection) -> Claimed:
            views, due = await self._read(connection, people, now)
            guard()
            judged = [(row, judge(row.ask, views.get(row.subject), now)) for row in due]
            return await self._write(connection, judged, now, lease)

        return await self._store.run(work)

    async def _read(
        self, connection: Connection, people: Mapping[str, Collection[Channel]], now: datetime
    ) -> tuple[dict[str, PermissionSet], list[_Due]]:
        """The people's sets under their locks, and their due rows under theirs."""
        wanted = [(subject, channel.value) for subject, of in people.items() for channel in of]
        views = await Views.ask(connection, list(people))
        rows = await connection.execute(
            _DUE_ROWS,
            ([each[0] for each in wanted], [each[1] for each in wanted], now, _CLAIM_MOST),
        )
        seen = await views.fetch()
        return seen, [_Due(ask_of(row), *row[ASK_COLUMNS:]) for row in await rows.fetchall()]

    async def _write(
        self,
        connection: Connection,
        judged: Sequence[tuple[_Due, Verdict]],
        now: datetime,
        lease: timedelta,
    ) -> Claimed:
        """Write what the gate said; the locks of `_read` are still held."""
        passed = [row for row, verdict in judged if isinstance(verdict, Passed)]
        stopped = [(row, each.reason) for row, each in judged if isinstance(each, Stopped)]
        if passed:
            await self._write_claims(connection, passed, now, lease)
        await suppress(
            connection,
            [(row.prompt_id, row.ask.channel, reason) for row, reason in stopped],
            now,
        )
        unsettled = {row.subject for row, verdict in judged if isinstance(verdict, ReadThrough)}
        return Claimed(
            rows=tuple(ClaimedRow(*_named(row)) for row in passed),
            stopped=tuple(StoppedRow(*_named(row), reason) for row, reason in stopped),
            read_through=tuple(sorted(unsettled)),
            more=len(judged) == _CLAIM_MOST and bool(passed or stopped),
        )

    async def _write_claims(
        self, connection: Connection, passed: Sequence[_Due], now: datetime, lease: timedelta
    ) -> None:
        streamed = Counter(row.subject for row in passed if row.ask.channel == Channel.STREAM)
        positions = await self._draw(connection, streamed)
        drawn = [
            next(positions[row.subject]) if row.ask.channel == Channel.STREAM else None
            for row in passed
        ]
        await connection.execute(
            "UPDATE ledger l SET fence = l.fence + 1, attempt = l.attempt + 1, claimed_at = %s,"
            " position = k.position,"
            " state = CASE WHEN k.position IS NULL THEN 'sent' ELSE 'claimed' END,"
            " sent_at = CASE WHEN k.position IS NULL THEN %s END,"
            " lease_expires = CASE WHEN k.position IS NULL THEN NULL"
            " ELSE clock_timestamp() + %s END"
            " FROM unnest(%s::text[], %s::text[], %s::bigint[])"
            " AS k (prompt_id, channel, position)"
            " WHERE l.prompt_id = k.prompt_id AND l.channel = k.channel",
            (
                *(now, now, lease),
                [row.prompt_id for row in passed],
                [row.ask.channel for row in passed],
                drawn,
            ),
        )

    async def _draw(
        self, connection: Connection, numbers: Mapping[str, int]
    ) -> dict[str, Iterator[int]]:
        """The next positions of each; the rows' locks keep others waiting until the commit."""
        if not numbers:
            return {}
        subjects = sorted(numbers)
        cursor = await connection.execute(
            "INSERT INTO stream_positions AS p SELECT * FROM unnest(%s::text[], %s::bigint[])"
            " ON CONFLICT (subject) DO UPDATE SET position = p.position + excluded.position"
            " RETURNING subject, position",
            (subjects, [numbers[subject] for subject in subjects]),
        )
        return {
            subject: iter(range(last - numbers[subject] + 1, last + 1))
            for subject, last in await cursor.fetchall()
        }

    async def on_stream(
        self, subject: str, after: int, *, now: datetime, limit: int
    ) -> list[OnStream]:
        """What stands on a person's stream after a position, in order."""
        beyond = (subject, after)
        rows = await self._store.one(_STREAM_ROWS, (*beyond, now, limit, *beyond, limit, limit))
        return [_item(subject, row) for row in rows]

    async def mark_sent(self, items: Sequence[StreamItem], now: datetime) -> int:
        """Their writes have completed; a row that has gone on meanwhile stays what it is."""
        rows = await self._store.one(
            _MARK_SENT, ([each.prompt_id for each in items], [each.fence for each in items], now)
        )
        return len(rows)

    async def due_inboxes(self, now: datetime, limit: int) -> list[str]:
        """People with inbox rows that wait."""
        return [row[0] for row in await self._store.one(_DUE_INBOXES, (now, limit))]

    async def due_streams(self, reached: Mapping[str, int], now: datetime) -> list[str]:
        """Of these people, those with stream rows that wait or lie ahead of the position."""
        given = (list(reached), list(reached.values()), now, now)
        return [row[0] for row in await self._store.one(_DUE_STREAMS, given)]


def _named(row: _Due) -> tuple[str, str, Channel, str, str]:
    return row.subject, row.prompt_id, Channel(row.ask.channel), row.nudge, row.traceparent


def _item(subject: str, columns: Sequence[Any]) -> OnStream:
    prompt_id, position, fence, nudge, traceparent, recalled_at = columns[ASK_COLUMNS:]
    if recalled_at is not None:
        return Recall(subject, prompt_id, position, recalled_at)
    ask = ask_of(columns)
    return StreamItem(subject, prompt_id, position, fence, nudge, traceparent, ask)
