"""Publishing over one gRPC stream: as fast as the platform takes it, and through every break."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, Final, Self

import grpc

from joinedup.client.backoff import Backoff
from joinedup.client.channel import connect, metadata
from joinedup.client.errors import from_rpc, reason_of
from joinedup.client.event_body import Event, entry_of
from joinedup.client.local_platform import LocalPlatform
from joinedup.client.publisher import each_of
from joinedup.client.publisher_token import PublisherKey
from joinedup.client.receipt import Result
from joinedup.client.stream_window import Rest, StreamWindow
from joinedup.events.v1 import life_events_pb2_grpc

# The platform ends a stream after half an hour at the latest.
_LONGEST_STREAM_SECONDS: Final = 25 * 60.0
# So long the first event waits for the platform to open the stream.
_OPEN_SECONDS: Final = 2.0
# Its time was over; the next one goes on.
_IN_ORDER: Final = "deadline"
# Another stream would end the same way; all other ends are the platform's trouble, and pass.
_FINAL: Final = frozenset(
    {
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)


class StreamPublisher:
    """Publishes life events over `LifeEvents/PublishStream`; `address` is `host:port`.

    Never more than `most_unanswered` events are on their way: more are taken from the sender as
    answers come. A stream that breaks, or is silent for `timeout_seconds`, is opened again and
    what was not answered is sent again; the platform counts it once. After `patience_seconds`
    without any answer, what is on its way is given up.

        async with StreamPublisher("gro", key="gro.private.pem", address=address) as publisher:
            async for result in publisher.publish_many(events):
                ...
    """

    def __init__(
        self,
        publisher_id: str,
        *,
        key: str | bytes | Path,
        address: str,
        kid: str | None = None,
        most_unanswered: int = 500,
        patience_seconds: float = 30.0,
        timeout_seconds: float = 20.0,
        stream_seconds: float = _LONGEST_STREAM_SECONDS,
        backoff: Backoff | None = None,
    ) -> None:
        self.publisher_id = publisher_id
        self._key = PublisherKey(publisher_id, key, kid)
        self._most = most_unanswered
        self._patience = patience_seconds
        self._timeout = timeout_seconds
        self._stream_seconds = stream_seconds
        self._backoff = backoff or Backoff()
        self._channel = connect(address)
        self._stub = life_events_pb2_grpc.LifeEventsStub(self._channel)
        self._window = StreamWindow(most_unanswered, patience_seconds)

    @classmethod
    def from_home(cls, publisher_id: str, home: str | Path | None = None) -> Self:
        """A publisher to the platform that runs on this machine; see Publisher.from_home."""
        platform = LocalPlatform.at(home)
        address = platform.address("events_grpc")
        return cls(publisher_id, key=platform.private_key(publisher_id), address=address)

    @property
    def answered_through(self) -> int:
        """Of the events of the latest `publish_many`, how many are answered without a gap.

        Whoever keeps this number can go on behind it in another process.
        """
        return self._window.answered_through

    async def publish_many(
        self, events: Iterable[Event] | AsyncIterable[Event]
    ) -> AsyncGenerator[Result, None]:
        """Publish any number of events; one result each, in their order.

        One call at a time. Raises Refused when the caller is not accepted at all.
        """
        self._window = StreamWindow(self._most, self._patience)
        flow = _Flow(self._window)
        works = [
            asyncio.create_task(flow.take_all(events)),
            asyncio.create_task(self._keep_streaming(flow)),
        ]
        for each in works:
            each.add_done_callback(flow.wake)
        try:
            while True:
                for result in self._window.results():
                    flow.wake()
                    yield result
                _raise_from(works[1])
                if self._window.finished:
                    break
                await flow.change()
            _raise_from(works[0])
        finally:
            for each in works:
                each.cancel()
            await asyncio.gather(*works, return_exceptions=True)

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _keep_streaming(self, flow: _Flow) -> None:
        """Open one stream after the other until all is answered; raises Refused."""
        failures = 0
        while await flow.anything_unanswered():
            before = flow.window.answered_through
            code = await self._stream(flow)
            if flow.window.finished or code == _IN_ORDER:
                continue
            failures = 1 if flow.window.answered_through > before else failures + 1
            delay = self._backoff.delay(failures)
            flow.window.break_off(f"the stream broke: {code}", code, time.monotonic() + delay)
            flow.wake()
            await asyncio.sleep(delay)

    async def _stream(self, flow: _Flow) -> str:
        """Open a stream and use it to its end; returns why it ended, and raises Refused."""
        carried = metadata(self._key.token(time.time()))
        call = self._stub.PublishStream(timeout=self._stream_seconds, metadata=carried)
        flow.window.begin_stream()
        sending = asyncio.create_task(_send(call, flow))
        try:
            while (response := await self._read(call, flow)) is not grpc.aio.EOF:
                for rest in flow.window.answer(response, time.monotonic()):
                    self._let_rest(rest, flow)
                flow.wake()
        except grpc.aio.AioRpcError as broken:
            return _end_of(broken)
        except TimeoutError:
            return "no_answer"
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            call.cancel()
        return "stream_ended"

    async def _read(self, call: Any, flow: _Flow) -> Any:
        """The next answer; raises TimeoutError when there should be one and is none."""
        reading = asyncio.ensure_future(call.read())
        try:
            while True:
                expected = flow.window.waits_for_answers
                await asyncio.wait({reading}, timeout=self._timeout)
                if reading.done():
                    return reading.result()
                if expected:
                    raise TimeoutError
        finally:
            if not reading.done():
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    def _let_rest(self, rest: Rest, flow: _Flow) -> None:
        delay = self._backoff.delay(rest.tries if not rest.seconds else 1) + rest.seconds

        def go_on() -> None:
            flow.window.has_rested(rest.place)
            flow.wake()

        asyncio.get_running_loop().call_later(delay, go_on)


class _Flow:
    """A window that can be waited for."""

    def __init__(self, window: StreamWindow) -> None:
        self.window = window
        self._changed = asyncio.Event()

    def wake(self, *_: object) -> None:
        """Something has changed: everybody who waits looks again."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def change(self) -> None:
        """Wait until something changes."""
        await self._changed.wait()

    async def anything_unanswered(self) -> bool:
        """Wait for something to send; False when all there will be is answered."""
        while not self.window.finished and self.window.answered_through == self.window.taken:
            await self.change()
        return not self.window.finished

    async def take_all(self, events: Iterable[Event] | AsyncIterable[Event]) -> None:
        """Take events as there is room for them."""
        try:
            async with aclosing(each_of(events)) as source:
                async for event in source:
                    while not self.window.has_room:
                        await self.change()
                    self.window.take(entry_of(event), time.monotonic())
                    self.wake()
        finally:
            self.window.ended = True
            self.wake()


async def _send(call: Any, flow: _Flow) -> None:
    """Send what there is to send, until all is answered or the stream is no more."""
    with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
        # Whoever writes into a stream that is being refused is told of the writing, not of the
        # refusal.
        opened = asyncio.ensure_future(call.initial_metadata())
        await asyncio.wait({opened}, timeout=_OPEN_SECONDS)
        while not flow.window.finished:
            request = flow.window.next_request()
            if request is None:
                await flow.change()
            else:
                await call.write(request)
        await call.done_writing()


def _end_of(broken: grpc.aio.AioRpcError) -> str:
    """Why a stream broke; raises Refused when the next one would break the same way."""
    if broken.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return _IN_ORDER
    code = reason_of(broken) or broken.code().name.lower()
    # A token can expire while a machine sleeps; the next stream is opened with a new one.
    if broken.code() in _FINAL and code != "token_expired":
        raise from_rpc(broken) from broken
    return code


def _raise_from(work: asyncio.Task[None]) -> None:
    if work.done():
        work.result()
