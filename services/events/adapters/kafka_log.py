"""The topic life-events.v1 as the log of life events."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.events import wire
from services.events.domain.errors import LogUnavailable
from services.events.domain.life_event import LifeEvent, Resolution
from services.kit import log_producer


class KafkaLog:
    """Writes through an idempotent producer whose acknowledgements are awaited."""

    def __init__(self, producer: log_producer.LogProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def append(
        self,
        event: LifeEvent,
        facts: Mapping[str, Any],
        resolution: Resolution,
        recorded_at: datetime,
    ) -> int:
        """Write one record a concerned person; raises the port's LogUnavailable."""
        records = [
            (person.subject, wire.record(event, facts, person, resolution.case_id, recorded_at))
            for person in resolution.persons
        ]
        try:
            await asyncio.gather(
                *(
                    self._producer.send(self._topic, subject.encode(), each.value, each.headers)
                    for subject, each in records
                )
            )
        except log_producer.LogUnavailable:
            raise LogUnavailable from None
        return len(records)
