"""Prompts in their person's hands: opened through the gate, received, answered, listed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from psycopg import sql

from services.kit.postgres import Connection
from services.notifications.adapters.postgres.access_lines import add_line
from services.notifications.adapters.postgres.asks import ASK, ASK_COLUMNS, VERSION, ask_of
from services.notifications.adapters.postgres.gate import Views, suppress
from services.notifications.adapters.postgres.outcomes import add_outcome
from services.notifications.adapters.postgres.store import Store
from services.notifications.domain import digest
from services.notifications.domain.access_line import AccessLine
from services.notifications.domain.errors import (
    ContentUnavailable,
    PromptNotOpened,
    PromptUnknown,
    PromptWithdrawn,
)
from services.notifications.domain.gate import Ask, Passed, ReadThrough, Stopped, judge
from services.notifications.domain.ledger import (
    IN_INBOX,
    Channel,
    Reason,
    State,
    states_before,
)
from services.notifications.domain.permission import PermissionSet
from services.notifications.domain.prompt import (
    Answer,
    Content,
    InboxEntry,
    OpenedPrompt,
    OutcomeKind,
    PromptOutcome,
    outcome_id,
)
from services.notifications.ports import OpenPrompt
from services.notifications.wire.decisions import decision_from_record

# A withdrawn entry is asked for again: its prompt may have been written while it was withdrawn.
_ROW: Final = sql.SQL("""
    SELECT {ask}, l.prompt_id, l.subject, l.state, l.attempt, l.opened_at IS NOT NULL,
        l.reason = 'called_off' OR EXISTS (
            SELECT FROM withdrawn_entries w WHERE w.root_event_id = l.root_event_id),
        l.answer, l.nudge, l.version, l.event_id, v.document, d.record
    FROM ledger l {version}
    LEFT JOIN decisions d ON d.event_id = l.event_id AND d.subject = l.subject
    WHERE l.prompt_id = %s AND l.subject = %s ORDER BY l.channel FOR UPDATE OF l
""").format(ask=ASK, version=VERSION)

_PARTS: Final = sql.SQL("""
    SELECT {ask}, l.prompt_id, l.subject, l.state, l.attempt, l.opened_at IS NOT NULL,
        EXISTS (SELECT FROM called_off c WHERE c.prompt_id = l.prompt_id) OR EXISTS (
            SELECT FROM withdrawn_entries w WHERE w.root_event_id = l.root_event_id),
        l.answer, l.nudge, l.version, l.event_id, v.document, d.record
    FROM digest_parts p JOIN ledger l USING (prompt_id, channel) {version}
    LEFT JOIN decisions d ON d.event_id = l.event_id AND d.subject = l.subject
    WHERE p.digest_id = %s ORDER BY l.created_at, l.prompt_id
""").format(ask=ASK, version=VERSION)

_INBOX: Final = sql.SQL("""
    SELECT prompt_id, sent_at, CASE reason WHEN 'called_off' THEN 'suppressed' ELSE state END
    FROM ledger WHERE subject = %s AND channel = 'inbox' AND state = ANY(%s)
      AND (%s::timestamptz IS NULL OR sent_at < %s OR (sent_at = %s AND prompt_id > %s))
    ORDER BY sent_at DESC, prompt_id LIMIT %s
""")


@dataclass(frozen=True, slots=True)
class _Row:
    ask: Ask
    prompt_id: str
    subject: str
    state: State
    attempt: int
    opened: bool
    called_off: bool
    answer: str | None
    nudge: str
    version: str
    event_id: str
    document: dict[str, Any] | None
    record: bytes | None


class PostgresPrompts:
    """The port Prompts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def open(
        self,
        opening: OpenPrompt,
        render: Callable[[OpenedPrompt], Content],
        *,
        now: datetime,
    ) -> Content | None:
        """Open through the gate, in one transaction with what it changes.

        Opening on one channel opens the prompt: its unfinished rows on the others end with it, so
        that the inbox shows it as opened and no device is sent it any more.
        """

        async def work(connection: Connection) -> Content | Stopped | None:
            asked = await Views.ask(connection, [opening.subject])
            rows = await connection.execute(_ROW, (opening.prompt_id, opening.subject))
            view = (await asked.fetch()).get(opening.subject)
            row = _on(opening.channel, [_row(each) for each in await rows.fetchall()])
            if row.state.is_final and row.state is not State.OPENED:
                return Stopped(Reason.WITHDRAWN)
            off = Stopped(Reason.CALLED_OFF)
            verdict = off if row.called_off else judge(row.ask, view, now)
            if isinstance(verdict, ReadThrough):
                return None
            if isinstance(verdict, Stopped):
                await _stop(connection, row, verdict, now)
                return verdict
            parts = await _parts(connection, row, view, now)
            if parts is None:
                return None
            if row.nudge == digest.NUDGE and not parts:
                return Stopped(Reason.WITHDRAWN)
            seen = _opened(row, parts)
            content = render(seen)
            for each in seen.parts or (seen,):
                await add_line(connection, opening.look.at_prompt(opening.subject, each))
            await _mark_opened(connection, row, now)
            opened = _outcome(row, opening.channel, OutcomeKind.OPENED, now, opening.traceparent)
            await add_outcome(connection, opened)
            return content

        answered = await self._store.run(work)
        if isinstance(answered, Stopped):
            raise PromptWithdrawn
        return answered

    async def received(
        self, subject: str, prompt_id: str, channel: Channel, *, now: datetime
    ) -> State:
        """The device has it; answers where it stands now."""

        async def work(connection: Connection) -> State:
            row = _on(channel, await _rows(connection, prompt_id, subject))
            if not row.state.may_become(State.DELIVERED):
                return row.state
            await connection.execute(
                "UPDATE ledger SET state = 'delivered', delivered_at = %s, lease_expires = NULL,"
                " sent_at = coalesce(sent_at, %s) WHERE prompt_id = %s AND channel = %s",
                (now, now, prompt_id, channel.value),
            )
            return State.DELIVERED

        return await self._store.run(work)

    async def answer(
        self,
        subject: str,
        prompt_id: str,
        channel: Channel,
        answer: Answer,
        *,
        now: datetime,
        traceparent: str,
    ) -> State:
        """Keep what the person says of it, the last word on the prompt and each kind as outcome."""

        async def work(connection: Connection) -> State:
            rows = await _rows(connection, prompt_id, subject)
            row = _on(channel, rows)
            if not any(each.opened for each in rows):
                raise PromptNotOpened
            await connection.execute(
                "UPDATE ledger SET answer = %s WHERE prompt_id = %s", (answer.value, prompt_id)
            )
            kind = OutcomeKind(answer.value)
            await add_outcome(connection, _outcome(row, channel, kind, now, traceparent))
            return row.state

        return await self._store.run(work)

    async def inbox(
        self, look: AccessLine, after: tuple[datetime, str] | None, limit: int
    ) -> list[InboxEntry]:
        """Entries of the looker's inbox after one of them, newest first."""
        at, prompt_id = after or (None, None)
        asked = (look.subject, [state.value for state in IN_INBOX], at, at, at, prompt_id, limit)

        async def work(connection: Connection) -> list[InboxEntry]:
            await add_line(connection, look)
            rows = await (await connection.execute(_INBOX, asked)).fetchall()
            return [InboxEntry(row[0], row[1], State(row[2])) for row in rows]

        return await self._store.run(work)


def _on(channel: Channel, rows: Sequence[_Row]) -> _Row:
    """The row of a channel; one that was never sent is as unknown as one that is not there."""
    for row in rows:
        if row.ask.channel == channel and (row.attempt > 0 or row.state.is_final):
            return row
    raise PromptUnknown


async def _rows(connection: Connection, prompt_id: str, subject: str) -> list[_Row]:
    cursor = await connection.execute(_ROW, (prompt_id, subject))
    return [_row(each) for each in await cursor.fetchall()]


def _row(columns: tuple[Any, ...]) -> _Row:
    prompt_id, subject, state, *rest = columns[ASK_COLUMNS:]
    return _Row(ask_of(columns), prompt_id, subject, State(state), *rest)


async def _parts(
    connection: Connection, row: _Row, view: PermissionSet | None, now: datetime
) -> tuple[OpenedPrompt, ...] | None:
    """The parts of a digest that may be shown now; None where the view is too old to say."""
    if row.nudge != digest.NUDGE:
        return ()
    cursor = await connection.execute(_PARTS, (row.prompt_id,))
    parts = [_row(each) for each in await cursor.fetchall()]
    judged = [
        (part, judge(replace(part.ask, channel=row.ask.channel), view, now)) for part in parts
    ]
    if any(isinstance(verdict, ReadThrough) for _, verdict in judged):
        return None
    return tuple(
        _opened(part)
        for part, verdict in judged
        if isinstance(verdict, Passed) and not part.called_off
    )


def _opened(row: _Row, parts: tuple[OpenedPrompt, ...] = ()) -> OpenedPrompt:
    if row.document is None:
        raise ContentUnavailable
    return OpenedPrompt(
        prompt_id=row.prompt_id,
        decision=decision_from_record(row.record) if row.record else None,
        nudge_document=row.document,
        answer=None if row.answer is None else Answer(row.answer),
        parts=parts,
    )


async def _stop(connection: Connection, row: _Row, verdict: Stopped, now: datetime) -> None:
    if not row.state.is_final:
        await suppress(connection, [(row.prompt_id, row.ask.channel, verdict.reason)], now)


async def _mark_opened(connection: Connection, row: _Row, now: datetime) -> None:
    await connection.execute(
        "UPDATE ledger SET state = 'opened', opened_at = %s, lease_expires = NULL,"
        " reason = CASE WHEN channel = %s THEN '' ELSE %s END"
        " WHERE prompt_id = %s AND state = ANY(%s)",
        (
            *(now, row.ask.channel, Reason.OPENED_ELSEWHERE.value, row.prompt_id),
            states_before(State.OPENED),
        ),
    )


def _outcome(
    row: _Row, channel: Channel, kind: OutcomeKind, now: datetime, traceparent: str
) -> PromptOutcome:
    return PromptOutcome(
        outcome_id=outcome_id(row.prompt_id, kind, channel),
        subject=row.subject,
        prompt_id=row.prompt_id,
        nudge=row.nudge,
        version=row.version,
        channel=channel,
        kind=kind,
        at=now,
        event_id=row.event_id,
        traceparent=traceparent,
    )
