"""permissions.v1 into the view: the whole topic, from its beginning, in every process.

There is no consumer group: nothing is committed, so a restart reads everything again and the view
needs no state of its own on disk; and each worker holds every person, because a worker's share of
life-events.v1 may change at any moment. The topic is compacted: it holds one record a person.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from joinedup.identity.v1.permission_set_pb2 import PermissionSet
from services.kit.codec import Undecodable, Unreadable, decode
from services.kit.retry import back_off
from services.kit.telemetry import log
from services.nudges import metrics, wire
from services.nudges.adapters.permission_view import PermissionView

POLL_MS: Final = 500
MAX_RECORDS: Final = 2_000


class KafkaPermissionFeed:
    """Keeps the view up with the topic until stopped."""

    def __init__(self, bootstrap: str, view: PermissionView, caught_up: Callable[[], None]) -> None:
        """`caught_up` is called once: when all that stood there at the start has been read."""
        self._bootstrap = bootstrap
        self._view = view
        self._caught_up = caught_up
        self._ends: dict[TopicPartition, int] | None = None
        self._positions: dict[TopicPartition, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Read until stopped; a broker that is away is waited for."""
        delays = back_off()
        while not stop.is_set():
            consumer = AIOKafkaConsumer(
                wire.PERMISSIONS,
                bootstrap_servers=self._bootstrap,
                client_id="nudges.permissions",
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_poll_records=MAX_RECORDS,
            )
            try:
                await self._follow(consumer, stop)
            except KafkaError:
                delay = next(delays)
                log(__name__).warning("log unavailable", extra={"retry_in_seconds": delay})
                await asyncio.sleep(delay)
            finally:
                await consumer.stop()

    async def _follow(self, consumer: Any, stop: asyncio.Event) -> None:
        # Without a group, the client assigns itself every partition of the topic.
        await consumer.start()
        partitions: list[TopicPartition] = sorted(consumer.assignment())
        for partition in partitions:
            # After a broken connection: where reading stopped.
            consumer.seek(partition, self._positions.get(partition, 0))
        if self._ends is None:
            self._ends = await consumer.end_offsets(partitions)
            self._note()
        while not stop.is_set():
            fetched = await consumer.getmany(timeout_ms=POLL_MS)
            for partition, records in fetched.items():
                for record in records:
                    self._apply(record)
                self._positions[partition] = records[-1].offset + 1
            if self._ends:
                # The position, not the last record: compaction leaves holes before the end.
                for partition in partitions:
                    self._positions[partition] = await consumer.position(partition)
                self._note()

    def _note(self) -> None:
        if self._ends is None:
            return
        behind = [each for each, end in self._ends.items() if self._positions.get(each, 0) < end]
        if not behind and self._ends:
            self._ends = {}
            log(__name__).info("permission view caught up", extra={"count": len(self._view)})
            self._caught_up()

    def _apply(self, record: Any) -> None:
        headers = [(str(name), bytes(text or b"")) for name, text in record.headers]
        message = decode(record.value, headers, PermissionSet)
        if isinstance(message, Undecodable):
            if message.reason is Unreadable.UNEXPECTED_TOMBSTONE and record.key:
                self._view.forget(record.key.decode("ascii", "replace"))
                return
            self._skip(message.reason)
        elif record.key != message.subject.encode():
            self._skip("key_mismatch")
        else:
            try:
                self._view.learn(wire.permission_set(message))
            except (ValueError, OverflowError):
                self._skip(Unreadable.DECODE)

    def _skip(self, reason: str) -> None:
        # Not set aside from here: every start of every worker reads it again. It stands in the
        # ledger's dead letters, and the person's next event reads through to identity.
        metrics.permission_records_skipped(reason)
        log(__name__).warning("permission record skipped", extra={"reason": str(reason)})
