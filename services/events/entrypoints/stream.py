"""Decisions as they appear on the log: counted for the event they are about."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from services.events import metrics, wire
from services.kit.codec import Undecodable
from services.kit.dead_letter import DeadLetters
from services.kit.log_consumer import Record

GROUP = "events.decided"


@dataclass(frozen=True)
class Decisions:
    """Handles batches of decisions.v1; raising means that the batch is handed over again."""

    mark: Callable[[Iterable[tuple[str, str]]], Awaitable[None]]
    dead_letters: DeadLetters

    async def handle(self, batch: list[Record]) -> None:
        """Count what can be read; set the rest aside, and wait until it is."""
        readable: list[tuple[str, str]] = []
        for record in batch:
            decided = wire.decided(record.value, record.headers)
            if isinstance(decided, Undecodable):
                await self.dead_letters.set_aside(record, str(decided.reason))
            else:
                readable.append(decided)
        if readable:
            await self.mark(readable)
            metrics.decisions_seen(len(readable))
