"""Decisions as they appear on the log: counted for the event they are about."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.events import metrics, wire
from services.kit.codec import Undecodable
from services.kit.dead_letter import dead_letter
from services.kit.log_consumer import Record
from services.kit.telemetry import log

GROUP = "events.decided"


@dataclass(frozen=True)
class Decisions:
    """Handles batches of decisions.v1; raising means that the batch is handed over again."""

    mark: Callable[[Iterable[tuple[str, str]]], Awaitable[None]]
    send: Callable[..., Awaitable[Any]]
    dead_letters: str
    now: Callable[[], datetime]

    async def handle(self, batch: list[Record]) -> None:
        """Count what can be read; set the rest aside, and wait until it is."""
        readable: list[tuple[str, str]] = []
        for record in batch:
            decided = wire.decided(record.value, record.headers)
            if isinstance(decided, Undecodable):
                await self._set_aside(record, str(decided.reason))
            else:
                readable.append(decided)
        if readable:
            await self.mark(readable)
            metrics.decisions_seen(len(readable))

    async def _set_aside(self, record: Record, reason: str) -> None:
        letter = dead_letter(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=record.key,
            value=record.value,
            headers=record.headers,
            reason=reason,
            service="events",
            now=self.now(),
        )
        await self.send(self.dead_letters, letter.key, letter.value, letter.headers)
        fields = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        log(__name__).warning("record set aside", extra={**fields, "code": reason})
        metrics.set_aside(reason)
