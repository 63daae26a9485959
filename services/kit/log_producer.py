"""Writing to the log: a record is there when the broker has said so, or LogUnavailable."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError
from opentelemetry.trace import SpanKind

from services.kit.retry import back_off
from services.kit.telemetry import TRACEPARENT, context_from, current_headers, log, span

CONNECT_TIMEOUT_SECONDS: Final = 3.0


class LogUnavailable(Exception):
    """The broker did not acknowledge in time: the record may or may not be there."""


@dataclass(frozen=True)
class Ack:
    """Where an acknowledged record stands."""

    topic: str
    partition: int
    offset: int


class LogProducer:
    """An idempotent producer (`acks=all`) whose sends are awaited.

    The client's own threads do the work; one more thread hands it the records in order, because
    handing over may wait for the topic's metadata.
    """

    def __init__(
        self, bootstrap: str, client_id: str, delivery_timeout_seconds: float = 4.5
    ) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._timeout = delivery_timeout_seconds
        self._hand_over = ThreadPoolExecutor(max_workers=1, thread_name_prefix="log-producer")
        self._producer: Any = None

    async def start(self, wait_seconds: float = 60.0) -> None:
        """Connect, trying again while the broker is away; LogUnavailable after the wait."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds
        for delay in back_off():
            try:
                self._producer = await loop.run_in_executor(self._hand_over, self._connect)
            except KafkaError:
                if loop.time() + delay > deadline:
                    raise LogUnavailable("no broker answers") from None
                log(__name__).warning("log unavailable", extra={"retry_in_seconds": delay})
                await asyncio.sleep(delay)
            else:
                return

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Iterable[tuple[str, bytes]] = (),
    ) -> Ack:
        """Append a record and wait for the broker's word; raises LogUnavailable within 5 seconds.

        The record carries the current trace; a `traceparent` among the headers comes first (an
        outbox keeps the one of the change it tells).
        """
        given = list(headers)
        kept = [each for each in given if each[0] != TRACEPARENT]
        parent = context_from(given) if len(kept) < len(given) else None
        attributes = {
            "messaging.system": "kafka",
            "messaging.destination.name": topic,
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
        }
        with span(f"{topic} send", SpanKind.PRODUCER, attributes, parent) as current:
            record = (topic, value, key, kept + current_headers())
            try:
                async with asyncio.timeout(self._timeout):
                    metadata = await self._acknowledged(record)
            except (KafkaError, TimeoutError) as error:
                raise LogUnavailable(type(error).__name__) from error
            current.set_attribute("messaging.destination.partition.id", str(metadata.partition))
            current.set_attribute("messaging.kafka.offset", metadata.offset)
        return Ack(topic, int(metadata.partition), int(metadata.offset))

    async def close(self, grace_seconds: float = 5.0) -> None:
        """Send what is waiting, then end the client's threads."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await asyncio.get_running_loop().run_in_executor(None, producer.close, grace_seconds)
        self._hand_over.shutdown(wait=False, cancel_futures=True)

    def _connect(self) -> Any:
        delivery_ms = int(self._timeout * 1000) - 200
        return KafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=2,
            allow_auto_create_topics=False,
            max_block_ms=delivery_ms,
            delivery_timeout_ms=delivery_ms,
            request_timeout_ms=delivery_ms - 1000,
            bootstrap_timeout_ms=int(CONNECT_TIMEOUT_SECONDS * 1000),
            retry_backoff_ms=50,
            reconnect_backoff_max_ms=500,
            metrics_enabled=False,
        )

    async def _acknowledged(self, record: tuple[Any, ...]) -> Any:
        if self._producer is None:
            raise LogUnavailable("the producer is not started")
        loop = asyncio.get_running_loop()
        future = await loop.run_in_executor(self._hand_over, self._producer.send, *record)
        done: asyncio.Future[Any] = loop.create_future()
        future.add_callback(lambda result: _tell(loop, done, result, None))
        future.add_errback(lambda error: _tell(loop, done, None, error))
        return await done


def _tell(
    loop: asyncio.AbstractEventLoop, done: "asyncio.Future[Any]", result: Any, error: Any
) -> None:
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
