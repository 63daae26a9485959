"""Writing a whole chunk's outputs to the log at once.

The kit's producer hands records to the client one by one, each over a thread boundary; at a
thousand records a second that costs more than everything else together.
"""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

from kafka.errors import KafkaError

from services.kit.log_producer import LogProducer, LogUnavailable

Outgoing = tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]]]


class ChunkProducer(LogProducer):
    """The kit's idempotent producer, with one hand-over for many records."""

    async def send_all(self, records: Sequence[Outgoing]) -> None:
        """Append records (topic, key, value, headers) in this order, also across calls.

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
                await loop.run_in_executor(self._hand_over, self._append, records, count)
                await done
        except (KafkaError, TimeoutError) as error:
            raise LogUnavailable(type(error).__name__) from error

    def _append(self, records: Sequence[Outgoing], count: "_Countdown") -> None:
        for topic, key, value, headers in records:
            future = self._producer.send(topic, value, key, headers)
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
