"""Departments at their desks: events sent at a rate, each with its acknowledgement and time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from demo.departments import Sent
from joinedup.client import AsyncPublisher, ClientError, Receipt

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

# Longer than the platform takes to say that it cannot: hanging up early only makes it do the
# same work again.
_ANSWER_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Acked:
    """An event the platform has taken; times are monotonic seconds."""

    sent: Sent
    receipt: Receipt
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long the acknowledgement took, tries and waits together."""
        return self.ended - self.began


@dataclass(slots=True)
class Record:
    """What was sent, taken and not taken."""

    sent: int = 0
    acked: list[Acked] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)


class Departments:
    """Every department that publishes, with its own key."""

    def __init__(
        self,
        ids: Iterable[str],
        *,
        keys: Path,
        url: str,
        patience_seconds: float = 30.0,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        self._publishers = {
            each: AsyncPublisher(
                each,
                key=keys / f"{each}.private.pem",
                url=url,
                patience_seconds=patience_seconds,
                timeout_seconds=_ANSWER_SECONDS,
                tracer_provider=tracer_provider,
            )
            for each in ids
        }
        self.taken = 0
        """Events acknowledged so far, the same event twice counted twice."""

    async def publish(self, sent: Sent) -> Acked:
        """Publish one event; raises Refused or Unavailable."""
        began = time.monotonic()
        receipt = await self._publishers[sent.publisher].publish(sent.event)
        self.taken += 1
        return Acked(sent, receipt, began, time.monotonic())

    async def publish_all(
        self,
        events: Sequence[Sent],
        *,
        a_second: float,
        record: Record,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        """Publish at a steady rate, whatever the answers take; what failed is counted by code."""
        start = time.monotonic()

        async def one(number: int, event: Sent) -> None:
            # An open loop: the next event does not wait for the answer to this one.
            await asyncio.sleep(max(0.0, start + number / a_second - time.monotonic()))
            record.sent += 1
            try:
                record.acked.append(await self.publish(event))
            except ClientError as failed:
                record.failed[failed.code] += 1
            told()

        await asyncio.gather(*(one(number, event) for number, event in enumerate(events)))

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.gather(*(each.close() for each in self._publishers.values()))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
