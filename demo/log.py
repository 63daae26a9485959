"""Looking at the log from outside: how far its readers are, and decisions as they are made."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition as AioTopicPartition
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError

from deploy.local.settings import ROOT
from joinedup.nudges.v1.decision_pb2 import Decision, Outcome
from services.kit.codec import decode
from services.kit.topics import load_topics

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
        self.decided = 0
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.event_of: dict[str, str] = {}
        """Prompt id → the event it came of."""

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, client_id="demo-tail")
        await self._consumer.start()
        declared = load_topics(ROOT / "protos" / "topics")[DECISIONS]
        places = [AioTopicPartition(DECISIONS, each) for each in range(declared.partitions)]
        self._consumer.assign(places)
        await self._consumer.seek_to_end(*places)
        for place in places:
            # Asks the broker now: a lazy position would skip what comes meanwhile.
            await self._consumer.position(place)
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        ended = await asyncio.gather(self._task, return_exceptions=True)
        await self._consumer.stop()
        if isinstance(ended[0], Exception):
            raise ended[0]

    async def _follow(self) -> None:
        async for record in self._consumer:
            self._count(record)

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


def _committed(found: Any) -> int:
    return max(0, found.offset) if found is not None else 0
