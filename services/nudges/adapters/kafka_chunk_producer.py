"""Writing a whole chunk's outputs to the log at once.

The kit's producer takes records one by one, each with a future of its own; at a thousand records a
second that costs more than everything else together.
"""

import asyncio
import logging
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from kafka.errors import KafkaError

from services.kit.kafka_client import connect, end
from services.kit.log_producer import LogUnavailable
from services.kit.retry import back_off
from services.kit.telemetry import log

Outgoing = tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]]]


class ChunkProducer:
    """An idempotent producer (`acks=all`) with one hand-over for many records.

    The client itself tries again, in order, for as long as the delivery timeout. After that the
    order is lost, so there is no second try: the process that gets LogUnavailable ends.
    """

    def __init__(self, bootstrap: str, client_id: str, delivery_timeout_seconds: float) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._timeout = delivery_timeout_seconds
        self._client: Any = None

    async def start(self, wait_seconds: float = 60.0) -> None:
        """Connect, trying again while the broker is away; LogUnavailable after the wait."""
        # It measures our whole process's pauses with its own clock, and warns of each.
        logging.getLogger("kafka.net.selector").setLevel(logging.ERROR)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds
        for delay in back_off():
            try:
                self._client = await asyncio.to_thread(
                    connect, self._bootstrap, self._client_id, self._timeout
                )
            except KafkaError:
                if loop.time() + delay > deadline:
                    raise LogUnavailable("no broker answers") from None
                log(__name__).warning("log unavailable", extra={"retry_in_seconds": delay})
                await asyncio.sleep(delay)
            else:
                return

    async def learn(self, topics: Iterable[str]) -> None:
        """Ask where these topics stand, so that handing a record of theirs over never waits."""
        for topic in topics:
            await asyncio.to_thread(self._client.partitions_for, topic)

    async def send_all(self, records: Sequence[Outgoing]) -> None:
        """Append records (topic, key, value, headers) of topics learnt, in this order across calls.

        Returns when the broker has acknowledged every one; raises LogUnavailable when it has not
        within the delivery timeout.
        """
        if not records:
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        count = _Countdown(len(records), loop, done)
        try:
            async with asyncio.timeout(self._timeout):
                self._append(records, count)
                await done
        except (KafkaError, TimeoutError) as error:
            raise LogUnavailable(type(error).__name__) from error

    async def close(self, grace_seconds: float = 1.0) -> None:
        """Give the connection back; what was sent is acknowledged already."""
        client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(end, client, grace_seconds)

    def _append(self, records: Sequence[Outgoing], count: "_Countdown") -> None:
        send = self._client.send
        for topic, key, value, headers in records:
            future = send(topic, value, key, headers)
            future.add_callback(count.acknowledged)
            future.add_errback(count.refused)


class _Countdown:
    """Tells the loop once: when all are acknowledged, or at the first that is not."""

    def __init__(
        self, left: int, loop: asyncio.AbstractEventLoop, done: "asyncio.Future[None]"
    ) -> None:
        self._left = left
        self._loop = loop
        self._done = done
        self._lock = threading.Lock()

    def acknowledged(self, _metadata: Any) -> None:
        with self._lock:
            self._left -= 1
            last = not self._left
        if last:
            self._tell(None)

    def refused(self, error: BaseException) -> None:
        self._tell(error)

    def _tell(self, error: BaseException | None) -> None:
        def settle() -> None:
            if self._done.done():
                return
            if error is None:
                self._done.set_result(None)
            else:
                self._done.set_exception(error)

        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(settle)
