"""The outbox of outcomes: committed with the change they tell, told afterwards."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from services.kit.postgres import Connection
from services.notifications.adapters.postgres.store import Store
from services.notifications.domain.ledger import Channel
from services.notifications.domain.prompt import OutcomeKind, PromptOutcome

_INSERT: Final = """
    INSERT INTO outcomes (outcome_id, subject, prompt_id, nudge, version, channel, kind, at,
        event_id, traceparent)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


async def add_outcome(connection: Connection, outcome: PromptOutcome) -> None:
    """Put an outcome in the outbox; the second of a prompt and kind is left out."""
    await connection.execute(
        _INSERT,
        (
            *(outcome.outcome_id, outcome.subject, outcome.prompt_id, outcome.nudge),
            *(outcome.version, outcome.channel.value, outcome.kind.value, outcome.at),
            *(outcome.event_id, outcome.traceparent),
        ),
    )


class PostgresOutbox:
    """The port Outbox."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def relay(self, tell: Callable[[PromptOutcome], Awaitable[None]], limit: int) -> int:
        """Tell the oldest that nobody else is telling, and mark those that were told.

        They are told side by side; those whose telling fails are told again another time.
        """

        async def work(connection: Connection) -> tuple[int, BaseException | None]:
            # The log is told in between, which may take as long as its time-out; nothing but
            # these outcomes is locked meanwhile.
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '15s'")
            cursor = await connection.execute(
                "SELECT outcome_id, subject, prompt_id, nudge, version, channel, kind, at,"
                " event_id, traceparent FROM outcomes WHERE told_at IS NULL"
                " ORDER BY sequence LIMIT %s FOR UPDATE SKIP LOCKED",
                (limit,),
            )
            rows = await cursor.fetchall()
            answers = await asyncio.gather(
                *(tell(_outcome(row)) for row in rows), return_exceptions=True
            )
            failed = next((each for each in answers if isinstance(each, BaseException)), None)
            told = [row[0] for row, each in zip(rows, answers, strict=True) if each is None]
            await connection.execute(
                "UPDATE outcomes SET told_at = now() WHERE outcome_id = ANY(%s)", (told,)
            )
            return len(told), failed

        number, failed = await self._store.run(work)
        if failed is not None:
            raise failed
        return number


def _outcome(columns: tuple[Any, ...]) -> PromptOutcome:
    told_id, subject, prompt_id, nudge, version, channel, kind, at, event_id, traceparent = columns
    return PromptOutcome(
        outcome_id=told_id,
        subject=subject,
        prompt_id=prompt_id,
        nudge=nudge,
        version=version,
        channel=Channel(channel),
        kind=OutcomeKind(kind),
        at=at,
        event_id=event_id,
        traceparent=traceparent,
    )
