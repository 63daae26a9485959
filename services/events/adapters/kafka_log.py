"""The topic life-events.v1 as the log of life events."""

import asyncio
from collections.abc import Sequence

from services.events import wire
from services.events.domain.errors import EventsError, LogUnavailable
from services.events.domain.life_event import Entry
from services.kit import log_producer


class KafkaLog:
    """Writes through an idempotent producer whose acknowledgements are awaited."""

    def __init__(self, producer: log_producer.LogProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def append(self, entries: Sequence[Entry]) -> list[int | EventsError]:
        """Write one record a concerned person; for each event how many, or LogUnavailable."""
        return await asyncio.gather(*map(self._append, entries))

    async def _append(self, entry: Entry) -> int | EventsError:
        records = wire.records(entry)
        try:
            await asyncio.gather(
                *(
                    self._producer.send(self._topic, subject.encode(), each.value, each.headers)
                    for subject, each in records
                )
            )
        except log_producer.LogUnavailable:
            return LogUnavailable()
        return len(records)
