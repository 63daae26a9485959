"""Writing to the log: a record is there when the broker has said so, or LogUnavailable."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from opentelemetry.trace import Span, SpanKind

from services.kit.retry import back_off
from services.kit.telemetry import (
    TRACEPARENT,
    begin_span,
    current_traceparent,
    fail,
    log,
    traceparent_of,
)
from services.kit.topics import max_record_bytes

LINGER_MS: Final = 2
MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024
ASK_SECONDS: Final = 2.0
POLL_SECONDS: Final = 0.5

Headers = Iterable[tuple[str, bytes]]


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


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to be written; a `traceparent` among its headers says whose trace it is of."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class Ack:
    """Where an acknowledged record stands."""

    topic: str
    partition: int
    offset: int


class LogProducer:
    """An idempotent producer (`acks=all`) whose sends are awaited.

    librdkafka does the work, in threads of its own; one more thread brings its reports to the loop.
    """

    def __init__(
        self,
        bootstrap: str,
        client_id: str,
        delivery_timeout_seconds: float = 4.5,
        linger_ms: int = LINGER_MS,
    ) -> None:
        """Not connected yet; a record waits `linger_ms` for others to travel with it."""
        self._timeout = delivery_timeout_seconds
        self._settings = {
            "bootstrap.servers": bootstrap,
            "client.id": client_id,
            "acks": "all",
            "enable.idempotence": True,
            "delivery.timeout.ms": int(delivery_timeout_seconds * 1000) - 200,
            "linger.ms": linger_ms,
            # What the topic takes decides, so that a dead letter may be larger than its record.
            "message.max.bytes": MAX_REQUEST_BYTES,
            # Every record of a key in the partition where other clients put theirs.
            "partitioner": "murmur2_random",
            "allow.auto.create.topics": False,
            "topic.metadata.propagation.max.ms": 2_000,
            "reconnect.backoff.max.ms": 500,
            "log.connection.close": False,
        }
        self._client = Producer(self._settings, logger=_quiet())
        self._reports = _Reports()

    async def start(self, wait_seconds: float = 60.0) -> None:
        """Connect, trying again while the broker is away; LogUnavailable after the wait."""
        await reach(
            lambda: asyncio.to_thread(self._client.list_topics, timeout=ASK_SECONDS),
            KafkaException,
            wait_seconds,
        )

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()
    ) -> Ack:
        """Append a record and wait for the broker's word; LogUnavailable within 5 seconds.

        The record carries the current trace; a `traceparent` among the headers comes first (an
        outbox keeps the one of the change it tells). Raises RecordTooLarge for what can never be
        written.
        """
        (ack,) = await self.send_all([Outgoing(topic, key, value, tuple(headers))])
        if isinstance(ack, LogUnavailable):
            raise ack
        return ack

    async def send_all(self, records: Sequence[Outgoing]) -> list[Ack | LogUnavailable]:
        """Append records in this order, also across calls, and wait for the broker's word on each.

        Returns within 5 seconds. Raises RecordTooLarge, and then wrote nothing.
        """
        for each in records:
            if _size(each) > max_record_bytes(each.topic):
                raise RecordTooLarge(each.topic)
        if not records:
            return []
        sent = _Sent(asyncio.get_running_loop(), len(records))
        spans = [self._hand_over(each, sent, index) for index, each in enumerate(records)]
        try:
            await self._told(sent)
        finally:
            for current, ack in zip(spans, sent.acks, strict=True):
                _end(current, ack)
        return [LogUnavailable("no answer") if ack is None else ack for ack in sent.acks]

    async def close(self, grace_seconds: float = 5.0) -> None:
        """Send what is waiting, then end the client's threads."""
        await asyncio.to_thread(self._client.flush, grace_seconds)
        self._client.purge()
        await asyncio.to_thread(self._reports.end, POLL_SECONDS + grace_seconds)

    def _hand_over(self, record: Outgoing, sent: "_Sent", index: int) -> Span:
        """Give the client a record; its span, to be ended when it is there."""
        self._reports.begin(self._client)
        headers: list[tuple[str, str | bytes | None]] = [
            each for each in record.headers if each[0] != TRACEPARENT
        ]
        current = _begin(record)
        headers.append((TRACEPARENT, traceparent_of(current).encode("ascii")))
        try:
            self._client.produce(
                record.topic,
                record.value,
                record.key,
                headers=headers,
                on_delivery=self._reports.reporter(sent, index),
            )
        except (BufferError, KafkaException) as error:
            sent.settle(index, LogUnavailable(type(error).__name__))
        return current

    async def _told(self, sent: "_Sent") -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await sent.done
        except TimeoutError:
            log(__name__).warning("log unavailable", extra={"count": sent.left})


@dataclass(slots=True)
class _Sent:
    """Records that travel together, and what was said of each."""

    loop: asyncio.AbstractEventLoop
    left: int
    acks: list[Ack | LogUnavailable | None] = field(init=False)
    done: asyncio.Future[None] = field(init=False)

    def __post_init__(self) -> None:
        self.acks = [None] * self.left
        self.done = self.loop.create_future()

    def settle(self, index: int, ack: Ack | LogUnavailable) -> None:
        """Say what became of one, on the loop."""
        self.acks[index] = ack
        self.left -= 1
        if not self.left and not self.done.done():
            self.done.set_result(None)


class _Reports:
    """Brings what the client's thread says to the loop, many reports at a time."""

    def __init__(self) -> None:
        self._told: list[tuple[_Sent, int, Ack | LogUnavailable]] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, client: Producer) -> None:
        """Poll the client from now on."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._poll, args=(client,), name="log-producer", daemon=True
            )
            self._thread.start()

    def end(self, wait_seconds: float) -> None:
        """Poll no more; blocks."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(wait_seconds)

    def reporter(self, sent: _Sent, index: int) -> Callable[[KafkaError | None, Message], None]:
        """What the client calls about one record, in the polling thread."""

        def told(error: KafkaError | None, message: Message) -> None:
            if error is None:
                place = Ack(str(message.topic()), message.partition() or 0, message.offset() or 0)
                self._tell(sent, index, place)
            else:
                self._tell(sent, index, LogUnavailable(error.name()))

        return told

    def _tell(self, sent: _Sent, index: int, ack: Ack | LogUnavailable) -> None:
        with self._lock:
            self._told.append((sent, index, ack))
            if len(self._told) > 1 or sent.loop.is_closed():
                return
        sent.loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        with self._lock:
            told, self._told = self._told, []
        for sent, index, ack in told:
            sent.settle(index, ack)

    def _poll(self, client: Producer) -> None:
        while not self._ended.is_set():
            client.poll(POLL_SECONDS)


def _begin(record: Outgoing) -> Span:
    """The record's span, in the trace that its headers name, else in the current one."""
    given = next((text for name, text in record.headers if name == TRACEPARENT), b"")
    attributes = {
        "messaging.system": "kafka",
        "messaging.destination.name": record.topic,
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
    }
    parent = given.decode("ascii", "replace") or current_traceparent()
    return begin_span(f"{record.topic} send", SpanKind.PRODUCER, attributes, parent)


def _end(current: Span, ack: Ack | LogUnavailable | None) -> None:
    if not current.is_recording():
        return
    if isinstance(ack, Ack):
        current.set_attribute("messaging.destination.partition.id", str(ack.partition))
        current.set_attribute("messaging.kafka.offset", ack.offset)
    else:
        fail(current, LogUnavailable.__qualname__)
    current.end()


def _size(record: Outgoing) -> int:
    """A record's size on the broker, rounded up.

    Refused here: the broker's refusal would come late, and as one that may be tried again.
    """
    each = sum(len(name.encode("utf-8")) + len(text) + 16 for name, text in record.headers)
    return len(record.key or b"") + len(record.value or b"") + each + 256


def _quiet() -> logging.Logger:
    """Its own lines name addresses and repeat themselves; that the log is away we say ourselves."""
    lines = logging.getLogger("confluent_kafka")
    lines.setLevel(logging.CRITICAL)
    return lines
