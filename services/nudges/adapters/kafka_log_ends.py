"""Where the partitions of life-events.v1 begin and end, asked by a client of its own.

The watchdog must not believe the client it watches.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.nudges import wire

ANSWER_SECONDS: Final = 3.0


class KafkaLogEnds:
    """Asks the broker; connects when first asked."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumer: Any = None

    async def bounds(self, partitions: Iterable[int]) -> Mapping[int, tuple[int, int]] | None:
        """First offset and end of each partition; None when the broker does not say in time."""
        asked = [TopicPartition(wire.LIFE_EVENTS, number) for number in partitions]
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                consumer = await self._connected()
                first = await consumer.beginning_offsets(asked)
                ends = await consumer.end_offsets(asked)
        except (KafkaError, TimeoutError):
            return None
        return {each.partition: (first[each], ends[each]) for each in asked}

    async def missing(self, topics: Iterable[str]) -> set[str]:
        """Those of the topics that the broker does not have; raises KafkaError."""
        consumer = await self._connected()
        return set(topics) - set(await consumer.topics())

    async def close(self) -> None:
        """Give the connection back."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def _connected(self) -> Any:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap, client_id="nudges.watchdog", group_id=None
            )
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer
