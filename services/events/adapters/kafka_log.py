"""The topic life-events.v1 as the log of life events."""

from collections.abc import Sequence

from services.events import wire
from services.events.domain.errors import EventsError, LogUnavailable
from services.events.domain.life_event import Entry
from services.kit.log_producer import Ack, LogProducer, Outgoing


class KafkaLog:
    """Writes through an idempotent producer whose acknowledgements are awaited."""

    def __init__(self, producer: LogProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def append(self, entries: Sequence[Entry]) -> list[int | EventsError]:
        """Write one record a concerned person; for each event how many, or LogUnavailable."""
        records = [wire.records(entry) for entry in entries]
        acks = iter(
            await self._producer.send_all(
                [
                    Outgoing(self._topic, subject.encode(), each.value, each.headers)
                    for together in records
                    for subject, each in together
                ]
            )
        )
        told = [[next(acks) for _ in each] for each in records]
        return [
            len(each) if all(isinstance(ack, Ack) for ack in each) else LogUnavailable()
            for each in told
        ]
