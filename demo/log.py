"""Looking at the log from outside: how far its readers are, and decisions as they are made."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError as AioKafkaError
from aiokafka.structs import TopicPartition as AioTopicPartition
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError

from joinedup.nudges.v1.decision_pb2 import Decision, Outcome
from services.kit.codec import decode

LIFE_EVENTS: Final = "life-events.v1"
DECISIONS: Final = "decisions.v1"
READERS: Final = (("nudges.decide", LIFE_EVENTS), ("notifications.ledger", DECISIONS))


class Lag:
    """How many records the platform's readers have not committed yet."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = KafkaAdminClient(bootstrap_servers=bootstrap, client_id="demo")

    async def total(self) -> int | None:
        """Over all readers; None while the broker does not answer."""
        try:
            return await asyncio.to_thread(self._total)
        except KafkaError:
            return None

    async def none(self) -> bool | None:
        """True once there is none: an answer for `seen`."""
        return True if await self.total() == 0 else None

    def close(self) -> None:
        """Close the connection."""
        self._admin.close()

    def _total(self) -> int:
        return sum(self._one(group, topic) for group, topic in READERS)

    def _one(self, group: str, topic: str) -> int:
        described = self._admin.describe_topics([topic])[0]
        places = [
            TopicPartition(topic, each["partition_index"]) for each in described["partitions"]
        ]
        ends = self._admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
        read = self._admin.list_group_offsets({group: places})[group]
        return sum(ends[each].offset - _committed(read.get(each)) for each in places)


class DecisionTail:
    """Decisions as they appear on the log from now on, for the live table."""

    def __init__(self, bootstrap: str, told: Callable[[], None]) -> None:
        self._bootstrap = bootstrap
        self._told = told
        self._task: asyncio.Task[None] | None = None
        self.decided = 0
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.event_of: dict[str, str] = {}
        """Prompt id → the event it came of."""

    async def __aenter__(self) -> Self:
        started = asyncio.Event()
        self._task = asyncio.create_task(self._follow(started))
        await started.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self, started: asyncio.Event) -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, client_id="demo-tail")
        try:
            await consumer.start()
            places = [
                AioTopicPartition(DECISIONS, number)
                for number in consumer.partitions_for_topic(DECISIONS)
                or await _partitions(consumer)
            ]
            consumer.assign(places)
            await consumer.seek_to_end(*places)
            for place in places:
                # Asks the broker now: a lazy position would skip what comes meanwhile.
                await consumer.position(place)
            started.set()
            async for record in consumer:
                self._count(record)
        except AioKafkaError:
            logging.getLogger(__name__).warning("the tail of decisions ended")
        finally:
            started.set()
            await consumer.stop()

    def _count(self, record: Any) -> None:
        decision = decode(record.value, record.headers, Decision)
        if not isinstance(decision, Decision):
            return
        self.decided += 1
        for nudge in decision.nudges:
            self.outcomes[Outcome.Name(nudge.outcome).removeprefix("OUTCOME_").lower()] += 1
            self.reasons.update(nudge.reasons)
            self.event_of[nudge.prompt_id] = decision.event_id
        if not decision.nudges:
            self.outcomes["no nudge for this type and role"] += 1
        self._told()


async def _partitions(consumer: Any) -> set[int]:
    await consumer.topics()
    return set(consumer.partitions_for_topic(DECISIONS) or ())


def _committed(found: Any) -> int:
    return max(0, found.offset) if found is not None else 0
