"""Reading from the log in batches: handled first, committed afterwards, never skipped."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from services.kit.codec import Headers
from services.kit.pace import RESTLESS, Pace
from services.kit.retry import back_off
from services.kit.telemetry import log

POLL_SECONDS: Final = 0.5
SESSION_MS: Final = 10_000
HEARTBEAT_MS: Final = 1_000
COMMIT_SECONDS: Final = 0.2
# Of a record's time: the broker set it when it took the record.
LOG_APPEND_TIME: Final = 1
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
    broker_time: bool = True
    """The time is the broker's; of any other nobody knows who made it."""
    unreadable: bool = False
    """The client cannot read it: that it stands there is all that is known."""


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
    pace: Pace = RESTLESS,
) -> None:
    """Hand batches to `handle` until stopped; commit a batch soon after it was handled.

    While `handle` raises, the same batch is tried again (50 ms … 5 s) and the offset stands still:
    what can never succeed must be set aside by `handle` itself. `ready` is called at each
    assignment of partitions. Whoever is in no hurry lets a record wait `patience_ms` for others to
    come with it: one fetch, one batch and one commit for all of them. With a pace, a record that
    comes alone is handled at once, and what comes while it rests goes together, up to
    `max_records`. A consumer that breaks is replaced by a new one.
    """

    async def attend() -> None:
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
            if await started(consumer, group, stop):
                reader = Reader(consumer, group, handle, stop)
                await reader.read(max_records, pace)
        finally:
            await consumer.stop()

    await lasting(attend, group, stop)


async def lasting(attend: Callable[[], Awaitable[None]], group: str, stop: asyncio.Event) -> None:
    """Attend to the log until stopped, anew whenever the client breaks (50 ms … 5 s later).

    It does at times when a broker that froze comes back: its connection is gone under its hands,
    and it raises what it happens to meet, also a cancellation that nobody asked for.
    """
    for delay in back_off():
        try:
            await attend()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            broke = "CancelledError"
        except (KafkaError, RuntimeError) as error:
            broke = type(error).__name__
        else:
            return
        log(__name__).warning(
            "consumer broke", extra={"group": group, "code": broke, "retry_in_seconds": delay}
        )
        if await _stopped(stop, delay):
            return


async def started(consumer: Any, group: str, stop: asyncio.Event) -> bool:
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


class Reader:
    """Handles batch after batch, and commits how far every partition was handled.

    Each commit is a write, so one is made now and then; what a crash leaves uncommitted is handled
    again.
    """

    def __init__(
        self,
        consumer: Any,
        group: str,
        handle: Handle,
        stop: asyncio.Event,
        partitions: Sequence[TopicPartition] = (),
    ) -> None:
        """Reads these partitions; all that are assigned to the consumer, when none are named."""
        self._consumer = consumer
        self._group = group
        self._handle = handle
        self._stop = stop
        self._partitions = partitions
        self._handled: dict[TopicPartition, int] = {}
        self._commit_at = 0.0

    async def read(self, max_records: int, pace: Pace) -> None:
        """Fetch and take until stopped, at this pace."""
        while not self._stop.is_set():
            batch = await self.fetch(max_records)
            rest_until = time.monotonic() + pace.rest_after(len(batch), max_records)
            await self.take(batch)
            if (rest := rest_until - time.monotonic()) > 0:
                await _stopped(self._stop, rest)
        await self.commit()

    async def fetch(self, max_records: int) -> list[Record]:
        """What comes next; nothing when it does not come soon."""
        wait_ms = int(self._due_seconds() * 1000)
        fetched = await self._consumer.getmany(
            *self._partitions, timeout_ms=wait_ms, max_records=max_records
        )
        return [_record(each) for records in fetched.values() for each in records]

    async def take(self, batch: list[Record]) -> None:
        """Handle these, each partition's in order; commit if that is due."""
        if batch and await self._succeeds(batch):
            if not self._handled:
                self._commit_at = time.monotonic() + COMMIT_SECONDS
            self._handled |= {
                TopicPartition(each.topic, each.partition): each.offset + 1 for each in batch
            }
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
    return Record(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        key=raw.key,
        value=raw.value,
        headers=headers,
        timestamp_ms=raw.timestamp,
        broker_time=raw.timestamp_type == LOG_APPEND_TIME,
    )


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
