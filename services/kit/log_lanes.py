"""Reading many topics side by side: each goes at its own pace, and none waits for another."""

import asyncio
import re
from collections.abc import Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    CorruptRecordException,
    KafkaError,
    TopicAuthorizationFailedError,
    UnsupportedCodecError,
)

from services.kit import bounded_unpacking
from services.kit.log_consumer import (
    HEARTBEAT_MS,
    SESSION_MS,
    Handle,
    Reader,
    Record,
    lasting,
    started,
)
from services.kit.telemetry import log

# How soon a topic is seen that was not there before.
METADATA_MS: Final = 3_000
# While nothing comes from any topic, so long does one that was just emptied wait for its next.
FETCH_WAIT_MS: Final = 200
GRACE_SECONDS: Final = 2.0
REFUSED_SECONDS: Final = 5.0
# A client leaves its group when it has not asked for records for so long; not all topics may be
# waiting for something at once, nor may there be none.
_NEVER_IDLE_MS: Final = 10**12
_OF_THE_RECORDS: Final = (CorruptRecordException, UnsupportedCodecError)


async def consume_apart(
    *,
    bootstrap: str,
    pattern: re.Pattern[str],
    group: str,
    handle: Handle,
    ready: Callable[[], None],
    stop: asyncio.Event,
    max_records: int = 100,
) -> None:
    """Hand batches to `handle` until stopped, each of one partition, one of a partition at a time.

    Topics are those whose names match the pattern, also when they are made later. While `handle`
    raises, its batch is tried again (50 ms … 5 s) and its partition stands still; the others go on.
    A record that the client cannot read is handed over by itself, marked so. What was written in a
    transaction that was given up does not count. `ready` is called at each assignment. A consumer
    that breaks is replaced by a new one.
    """
    bounded_unpacking.install()

    async def attend() -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            client_id=group,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            max_poll_interval_ms=_NEVER_IDLE_MS,
            metadata_max_age_ms=METADATA_MS,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            request_timeout_ms=SESSION_MS,
        )
        lanes = _Lanes(consumer, group, handle, ready, max_records)
        consumer.subscribe(pattern=pattern.pattern, listener=lanes)
        try:
            if await started(consumer, group, stop):
                await lanes.until(stop)
        finally:
            await lanes.close(GRACE_SECONDS)
            await consumer.stop()

    await lasting(attend, group, stop)


class _Lanes(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """A task for each partition that is assigned."""

    def __init__(
        self,
        consumer: Any,
        group: str,
        handle: Handle,
        ready: Callable[[], None],
        max_records: int,
    ) -> None:
        self._consumer = consumer
        self._group = group
        self._handle = handle
        self._ready = ready
        self._most = max_records
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002  # all of them always
        """End all: what was not committed yet is handled again, here or by another member."""
        await self.close(0)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Begin with each."""
        log(__name__).info(
            "partitions assigned", extra={"group": self._group, "count": len(assigned)}
        )
        self._stop = asyncio.Event()
        for partition in assigned:
            task = asyncio.create_task(self._run(partition, self._stop))
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        self._ready()

    async def until(self, stop: asyncio.Event) -> None:
        """Wait until told to stop; raises what ended one of them."""
        stopping = asyncio.create_task(stop.wait())
        try:
            either: set[asyncio.Future[Any]] = {stopping, self._failed}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if self._failed.done():
            raise self._failed.result()

    async def close(self, grace_seconds: float) -> None:
        """End all, those at work after a grace."""
        self._stop.set()
        tasks = set(self._tasks)
        if grace_seconds and tasks:
            await asyncio.wait(tasks, timeout=grace_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._failed.done():
            self._failed.set_result(error)

    async def _run(self, partition: TopicPartition, stop: asyncio.Event) -> None:
        reader = Reader(self._consumer, self._group, self._handle, stop, (partition,))
        try:
            while not stop.is_set():
                await reader.take(await self._next(reader, partition))
        finally:
            await reader.commit()

    async def _next(self, reader: Reader, partition: TopicPartition) -> list[Record]:
        try:
            return await reader.fetch(self._most)
        except TopicAuthorizationFailedError:
            extra = {"topic": partition.topic, "retry_in_seconds": REFUSED_SECONDS}
            log(__name__).error("topic may not be read", extra=extra)
            await asyncio.sleep(REFUSED_SECONDS)
            return []
        except Exception as raised:
            if not _is_of_the_records(raised):
                raise
        # The client lost all that it had read by then: one by one, those before it still come.
        try:
            return await reader.fetch(1)
        except Exception as raised:
            if not _is_of_the_records(raised):
                raise
            return [await self._unreadable(partition, raised)]

    async def _unreadable(self, partition: TopicPartition, raised: Exception) -> Record:
        """The record at which the client fails, which it reads on behind."""
        offset = await self._consumer.position(partition)
        place = {"topic": partition.topic, "partition": partition.partition, "offset": offset}
        log(__name__).warning("record unreadable", extra=place, exc_info=raised)
        self._consumer.seek(partition, offset + 1)
        return Record(
            **place,
            key=None,
            value=None,
            headers=[],
            timestamp_ms=0,
            broker_time=False,
            unreadable=True,
        )


def _is_of_the_records(raised: Exception) -> bool:
    """Whether a stranger's bytes made the client fail, and not the broker."""
    return isinstance(raised, _OF_THE_RECORDS) or not isinstance(raised, KafkaError)
