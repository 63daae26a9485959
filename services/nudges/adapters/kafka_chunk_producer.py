"""Writing a whole chunk's outputs to the log at once.

librdkafka does here what the kit's producer does in Python: of a record's way through this process
the client's part would otherwise be the dearest.
"""

import asyncio
import logging
import threading
from collections.abc import Sequence
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from services.kit.log_producer import MAX_REQUEST_BYTES, LogUnavailable, reach

Outgoing = tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]]]

ASK_SECONDS: Final = 2.0
POLL_SECONDS: Final = 0.5


class ChunkProducer:
    """An idempotent producer (`acks=all`) with one hand-over for many records.

    The client itself tries again, in order, for as long as the delivery timeout. After that the
    order is lost, so there is no second try: the process that gets LogUnavailable ends.
    """

    def __init__(self, bootstrap: str, client_id: str, delivery_timeout_seconds: float) -> None:
        self._timeout = delivery_timeout_seconds
        self._client = Producer(
            {
                "bootstrap.servers": bootstrap,
                "client.id": client_id,
                "acks": "all",
                "enable.idempotence": True,
                "delivery.timeout.ms": int(delivery_timeout_seconds * 1000),
                "linger.ms": 0,
                # What the topic takes decides, so that a dead letter may be larger than its record.
                "message.max.bytes": MAX_REQUEST_BYTES,
                # Every record of a person in the partition where the other clients put theirs.
                "partitioner": "murmur2_random",
                "allow.auto.create.topics": False,
                "log.connection.close": False,
            },
            logger=_quiet(),
        )
        self._closed = threading.Event()
        self._reports = threading.Thread(target=self._report, name="chunk-producer", daemon=True)

    async def start(self, wait_seconds: float = 60.0) -> None:
        """Wait until the broker answers; LogUnavailable when it has not within that time."""
        self._reports.start()
        await reach(
            lambda: asyncio.to_thread(self._client.list_topics, timeout=ASK_SECONDS),
            KafkaException,
            wait_seconds,
        )

    async def send_all(self, records: Sequence[Outgoing]) -> None:
        """Append records (topic, key, value, headers) in this order, also across calls.

        Returns when the broker has acknowledged every one; raises LogUnavailable when it has not
        within the delivery timeout.
        """
        if not records:
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        told = _Countdown(len(records), loop, done).told
        try:
            for topic, key, value, headers in records:
                self._client.produce(topic, value, key, headers=list(headers), on_delivery=told)
            async with asyncio.timeout(self._timeout):
                await done
        except (BufferError, KafkaException, TimeoutError) as error:
            raise LogUnavailable(type(error).__name__) from error

    async def close(self, grace_seconds: float = 1.0) -> None:
        """Give the connection back; what was sent is acknowledged already."""
        self._closed.set()
        await asyncio.to_thread(self._client.flush, grace_seconds)
        await asyncio.to_thread(self._reports.join, grace_seconds)

    def _report(self) -> None:
        while not self._closed.is_set():
            self._client.poll(POLL_SECONDS)


class _Countdown:
    """Tells the loop once: when all are acknowledged, or at the first that is not.

    The client reports from one thread.
    """

    def __init__(
        self, left: int, loop: asyncio.AbstractEventLoop, done: "asyncio.Future[None]"
    ) -> None:
        self._left = left
        self._loop = loop
        self._done = done

    def told(self, error: KafkaError | None, _message: Message) -> None:
        self._left -= 1
        if (error is not None or not self._left) and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._settle, error)

    def _settle(self, error: KafkaError | None) -> None:
        if self._done.done():
            return
        if error is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(KafkaException(error))


def _quiet() -> logging.Logger:
    """Its own lines name addresses and repeat themselves; that the log is away we say ourselves."""
    lines = logging.getLogger("confluent_kafka")
    lines.setLevel(logging.CRITICAL)
    return lines
