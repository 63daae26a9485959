"""Reading from the log in batches: handled first, committed afterwards, never skipped."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from services.kit.codec import Headers
from services.kit.retry import back_off
from services.kit.telemetry import log

POLL_SECONDS: Final = 0.5
SESSION_MS: Final = 10_000
HEARTBEAT_MS: Final = 1_000
COMMIT_SECONDS: Final = 0.2
# What a patient consumer does not wait beyond.
ENOUGH_BYTES: Final = 256 * 1024


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
    patience_ms: int = 0,
) -> None:
    """Hand batches to `handle` until stopped; commit a batch soon after it was handled.

    While `handle` raises, the same batch is tried again (50 ms … 5 s) and the offset stands still:
    what can never succeed must be set aside by `handle` itself. `ready` is called at each
    assignment of partitions. Whoever is in no hurry lets a record wait `patience_ms` for others to
    come with it: one fetch, one batch and one commit for all of them. Raises the client's
    KafkaError when the broker refuses the consumer.
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
        fetch_min_bytes=ENOUGH_BYTES if patience_ms else 1,
        fetch_max_wait_ms=patience_ms or int(POLL_SECONDS * 1000),
        request_timeout_ms=SESSION_MS,
    )
    consumer.subscribe(topics, listener=_Listener(group, ready))
    try:
        if await _started(consumer, group, stop):
            reader = _Reader(consumer, group, handle, stop)
            while not stop.is_set():
                await reader.one_batch(max_records)
            await reader.commit()
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


class _Reader:
    """Handles batch after batch, and commits how far every partition was handled.

    Each commit is a write, so one is made now and then; what a crash leaves uncommitted is handled
    again.
    """

    def __init__(self, consumer: Any, group: str, handle: Handle, stop: asyncio.Event) -> None:
        self._consumer = consumer
        self._group = group
        self._handle = handle
        self._stop = stop
        self._handled: dict[TopicPartition, int] = {}
        self._commit_at = 0.0

    async def one_batch(self, max_records: int) -> None:
        """Handle what comes next, if it comes soon; commit if that is due."""
        wait_ms = int(self._due_seconds() * 1000)
        fetched = await self._consumer.getmany(timeout_ms=wait_ms, max_records=max_records)
        batch = [_record(each) for records in fetched.values() for each in records]
        if batch and await self._succeeds(batch):
            if not self._handled:
                self._commit_at = time.monotonic() + COMMIT_SECONDS
            self._handled |= {each: records[-1].offset + 1 for each, records in fetched.items()}
        if self._handled and not self._due_seconds():
            await self.commit()

    async def commit(self) -> None:
        """Commit what was handled since the last time."""
        handled, self._handled = self._handled, {}
        if not handled:
            return
        try:
            await self._consumer.commit(handled)
        except (CommitFailedError, IllegalStateError):
            # A partition went to another member, who reads it again: handling is idempotent.
            log(__name__).warning("commit refused", extra={"group": self._group})

    def _due_seconds(self) -> float:
        if not self._handled:
            return POLL_SECONDS
        return max(0.0, self._commit_at - time.monotonic())

    async def _succeeds(self, batch: list[Record]) -> bool:
        """Handle, trying again in place; False when told to stop before it succeeded."""
        for attempt, delay in enumerate(back_off(), start=1):
            try:
                await self._handle(batch)
            except Exception:  # noqa: BLE001  # whatever it is, the offset must not move past it
                log(__name__).exception(
                    "batch failed",
                    extra={"group": self._group, "attempt": attempt, "retry_in_seconds": delay},
                )
            else:
                return True
            if await _stopped(self._stop, delay):
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
        """Nothing: what is not committed yet, the next member handles again."""

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        log(__name__).info(
            "partitions assigned", extra={"group": self._group, "count": len(assigned)}
        )
        self._ready()
