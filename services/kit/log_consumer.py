"""Reading from the log in batches: handled first, committed afterwards, never skipped."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from services.kit.codec import Headers
from services.kit.retry import back_off
from services.kit.telemetry import log

POLL_MS: Final = 500
SESSION_MS: Final = 10_000
HEARTBEAT_MS: Final = 1_000


@dataclass(frozen=True)
class Record:
    """A record as it stands on the log."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int


Handle = Callable[[list[Record]], Awaitable[None]]


async def consume(
    *,
    bootstrap: str,
    topics: list[str],
    group: str,
    handle: Handle,
    ready: Callable[[], None],
    stop: asyncio.Event,
    max_records: int = 200,
    auto_offset_reset: str = "earliest",
    instance_id: str | None = None,
) -> None:
    """Hand batches to `handle` until stopped; commit a batch once it was handled.

    While `handle` raises, the same batch is tried again (50 ms … 5 s) and the offset stands still:
    what can never succeed must be set aside by `handle` itself. `ready` is called at each
    assignment of partitions. Raises the client's KafkaError when the broker refuses the consumer.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        client_id=instance_id or group,
        group_id=group,
        group_instance_id=instance_id,
        enable_auto_commit=False,
        auto_offset_reset=auto_offset_reset,
        max_poll_records=max_records,
        session_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=HEARTBEAT_MS,
        request_timeout_ms=SESSION_MS,
    )
    consumer.subscribe(topics, listener=_Listener(group, ready))
    try:
        if await _started(consumer, group, stop):
            while not stop.is_set():
                await _one_batch(consumer, group, handle, stop, max_records)
    finally:
        await consumer.stop()


async def _started(consumer: Any, group: str, stop: asyncio.Event) -> bool:
    """Start, waiting for the broker; False when told to stop before it came."""
    for delay in back_off():
        try:
            await consumer.start()
        except KafkaError:
            log(__name__).warning(
                "log unavailable", extra={"group": group, "retry_in_seconds": delay}
            )
        else:
            return True
        if await _stopped(stop, delay):
            break
    return False


async def _one_batch(
    consumer: Any, group: str, handle: Handle, stop: asyncio.Event, max_records: int
) -> None:
    fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=max_records)
    batch = [_record(each) for records in fetched.values() for each in records]
    if not batch or not await _handled(batch, group, handle, stop):
        return
    try:
        await consumer.commit({each: records[-1].offset + 1 for each, records in fetched.items()})
    except (CommitFailedError, IllegalStateError):
        # The partition went to another member, who reads the batch again: handling is idempotent.
        log(__name__).warning("commit refused", extra={"group": group, "count": len(batch)})


async def _handled(batch: list[Record], group: str, handle: Handle, stop: asyncio.Event) -> bool:
    """Handle, trying again in place; False when told to stop before it succeeded."""
    for attempt, delay in enumerate(back_off(), start=1):
        try:
            await handle(batch)
        except Exception:  # noqa: BLE001  # whatever it is, the offset must not move past it
            log(__name__).exception(
                "batch failed",
                extra={"group": group, "attempt": attempt, "retry_in_seconds": delay},
            )
        else:
            return True
        if await _stopped(stop, delay):
            break
    return False


async def _stopped(stop: asyncio.Event, within_seconds: float) -> bool:
    try:
        async with asyncio.timeout(within_seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True


def _record(raw: Any) -> Record:
    headers = [(str(name), bytes(value or b"")) for name, value in raw.headers]
    return Record(raw.topic, raw.partition, raw.offset, raw.key, raw.value, headers, raw.timestamp)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    def __init__(self, group: str, ready: Callable[[], None]) -> None:
        self._group = group
        self._ready = ready

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Nothing: what was handled is committed."""

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        log(__name__).info(
            "partitions assigned", extra={"group": self._group, "count": len(assigned)}
        )
        self._ready()
