"""Writing to the log: a record is there when the broker has said so, or LogUnavailable."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from kafka.errors import KafkaError
from opentelemetry.trace import SpanKind

from services.kit.kafka_client import LINGER_MS, connect, discard, end
from services.kit.retry import back_off
from services.kit.telemetry import TRACEPARENT, context_from, current_headers, log, span
from services.kit.topics import max_record_bytes

Pending = asyncio.Future[Any]


class LogUnavailable(Exception):
    """The broker did not acknowledge in time: the record may or may not be there."""


class RecordTooLarge(Exception):
    """The record is larger than its topic takes: it can never be written."""


async def reach(
    ask: Callable[[], Awaitable[object]], away: type[Exception], wait_seconds: float
) -> None:
    """Ask until the broker answers; `away` says that it did not. LogUnavailable after the wait."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_seconds
    for delay in back_off():
        try:
            await ask()
        except away:
            if loop.time() + delay > deadline:
                raise LogUnavailable("no broker answers") from None
            log(__name__).warning("log unavailable", extra={"retry_in_seconds": delay})
            await asyncio.sleep(delay)
        else:
            return


@dataclass(frozen=True)
class Ack:
    """Where an acknowledged record stands."""

    topic: str
    partition: int
    offset: int


class LogProducer:
    """An idempotent producer (`acks=all`) whose sends are awaited.

    The client's own thread does the work. Handing it a record may wait for a connection or for the
    topic's metadata: one more thread does that, in order, until a record of the topic went through.
    """

    def __init__(
        self,
        bootstrap: str,
        client_id: str,
        delivery_timeout_seconds: float = 4.5,
        linger_ms: int = LINGER_MS,
    ) -> None:
        """Not connected yet; a record waits `linger_ms` for others to travel with it."""
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._timeout = delivery_timeout_seconds
        self._linger_ms = linger_ms
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="log-producer")
        self._client: Any = None
        self._closed = False
        self._waiting = 0
        self._known: set[str] = set()
        self._discarding: set[Pending] = set()

    async def start(self, wait_seconds: float = 60.0) -> None:
        """Connect, trying again while the broker is away; LogUnavailable after the wait."""
        loop = asyncio.get_running_loop()
        await reach(
            lambda: loop.run_in_executor(self._thread, self._connected), KafkaError, wait_seconds
        )

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Iterable[tuple[str, bytes]] = (),
    ) -> Ack:
        """Append a record and wait for the broker's word; LogUnavailable within 5 seconds.

        The record carries the current trace; a `traceparent` among the headers comes first (an
        outbox keeps the one of the change it tells). Raises RecordTooLarge for what can never be
        written.
        """
        given = list(headers)
        if _size(key, value, given) > max_record_bytes(topic):
            raise RecordTooLarge(topic)
        kept = [each for each in given if each[0] != TRACEPARENT]
        parent = context_from(given) if len(kept) < len(given) else None
        attributes = {
            "messaging.system": "kafka",
            "messaging.destination.name": topic,
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
        }
        with span(f"{topic} send", SpanKind.PRODUCER, attributes, parent) as current:
            metadata = await self._delivered((topic, value, key, kept + current_headers()))
            current.set_attribute("messaging.destination.partition.id", str(metadata.partition))
            current.set_attribute("messaging.kafka.offset", metadata.offset)
        return Ack(topic, int(metadata.partition), int(metadata.offset))

    async def close(self, grace_seconds: float = 5.0) -> None:
        """Send what is waiting, then end the client's threads."""
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            await asyncio.get_running_loop().run_in_executor(None, end, client, grace_seconds)
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._discarding:
            await asyncio.wait(self._discarding, timeout=grace_seconds)

    async def _delivered(self, record: tuple[Any, ...]) -> Any:
        used = self._client
        try:
            async with asyncio.timeout(self._timeout):
                return await self._acknowledged(record)
        except (KafkaError, TimeoutError) as error:
            self._drop(used)
            raise LogUnavailable(type(error).__name__) from error

    async def _acknowledged(self, record: tuple[Any, ...]) -> Any:
        if self._closed:
            raise LogUnavailable("the producer is closed")
        loop = asyncio.get_running_loop()
        future = await self._handed_over(record)
        done: Pending = loop.create_future()
        future.add_callback(lambda result: _tell(loop, done, result, None))
        future.add_errback(lambda error: _tell(loop, done, None, error))
        acknowledged = await done
        self._known.add(record[0])
        return acknowledged

    async def _handed_over(self, record: tuple[Any, ...]) -> Any:
        """The client's future; at once where it cannot wait, and nothing is before the record."""
        if self._client is not None and record[0] in self._known and not self._waiting:
            return self._client.send(*record)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self._hand_over, record)
        finally:
            self._waiting -= 1

    def _hand_over(self, record: tuple[Any, ...]) -> Any:
        return self._connected().send(*record)

    def _connected(self) -> Any:
        if self._client is None:
            self._client = connect(self._bootstrap, self._client_id, self._timeout, self._linger_ms)
        return self._client

    def _drop(self, used: Any) -> None:
        """Give up a client whose send failed; the next send makes a new one.

        kafka-python 3.0.12 never sends again once a batch has expired that was tried before: it
        forgets its producer id and does not ask for another.
        """
        if used is None or self._client is not used:
            return
        self._client = None
        self._known.clear()
        discarding = asyncio.get_running_loop().run_in_executor(None, discard, used)
        self._discarding.add(discarding)
        discarding.add_done_callback(self._discarding.discard)


def _size(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> int:
    """A record's size on the broker, rounded up.

    Refused here: the broker's refusal would end the client, and fail what else it was sending.
    """
    each = sum(len(name.encode("utf-8")) + len(text) + 16 for name, text in headers)
    return len(key or b"") + len(value or b"") + each + 256


def _tell(loop: asyncio.AbstractEventLoop, done: Pending, result: Any, error: Any) -> None:
    """Bring the client thread's answer to the loop; nobody may be waiting any more."""

    def settle() -> None:
        if done.done():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)

    if not loop.is_closed():
        loop.call_soon_threadsafe(settle)
