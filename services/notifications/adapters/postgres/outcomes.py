"""The outbox of outcomes: committed with the change they tell, told afterwards."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from services.notifications.adapters.postgres.store import Connection, Store
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

        When telling fails, what was told before stays marked and the rest is told again.
        """

        async def work(connection: Connection) -> tuple[int, Exception | None]:
            # The log is told in between, which may take as long as its time-out; nothing but
            # these outcomes is locked meanwhile.
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '15s'")
            cursor = await connection.execute(
                "SELECT outcome_id, subject, prompt_id, nudge, version, channel, kind, at,"
                " event_id, traceparent FROM outcomes WHERE told_at IS NULL"
                " ORDER BY sequence LIMIT %s FOR UPDATE SKIP LOCKED",
                (limit,),
            )
            told: list[str] = []
            failed: Exception | None = None
            for row in await cursor.fetchall():
                try:
                    await tell(_outcome(row))
                except Exception as error:  # noqa: BLE001  # whatever it was, it goes on after the commit
                    failed = error
                    break
                told.append(row[0])
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
