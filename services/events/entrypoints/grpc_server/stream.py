"""A publisher's stream: read as far as there is room, admitted together, answered by number."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry.context import Context

from joinedup.events.v1 import life_events_pb2 as pb
from services.events import wire_publishing
from services.events.domain import strict_json
from services.events.domain.admission import Assertion, Receipt, Submission
from services.events.domain.errors import EventsError, NotAuthenticated, Refused, TooLarge
from services.events.entrypoints.grpc_server.refusals import refusal_in_stream, stream_ends
from services.events.entrypoints.publishing import Publishing
from services.events.handlers.admit_life_events import Answer
from services.kit.rpc import RpcRefused
from services.kit.telemetry import current_traceparent, span

STREAMS_A_PUBLISHER: Final = 4
# What is read and not answered: the sender is held back by HTTP/2 until there is room again.
MOST_UNANSWERED: Final = 256
MOST_UNANSWERED_BYTES: Final = 4 * 1024 * 1024
MOST_TOGETHER: Final = 100
# Whoever is suspended is cut off within a second, though nothing comes from them.
BELIEF_SECONDS: Final = 0.5


class OpenStreams:
    """How many streams each publisher has open in this process."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    @contextmanager
    def one_more(self, publisher: str) -> Iterator[None]:
        """Count a stream while it is open; raises RpcRefused when there are too many."""
        if self._open[publisher] >= STREAMS_A_PUBLISHER:
            raise stream_ends("too_many_streams")
        self._open[publisher] += 1
        try:
            yield
        finally:
            self._open[publisher] -= 1


@dataclass(frozen=True)
class _Sent:
    """One event of a stream; `names` are the ids by which it says which entry it is about."""

    number: int
    size: int
    body: Mapping[str, Any] | Refused
    names: frozenset[str]


@dataclass
class _Unanswered:
    """What was read: first it has arrived, then it is being admitted, then being answered."""

    arrived: deque[_Sent] = field(default_factory=deque)
    ended: bool = False
    _events: int = 0
    _bytes: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _freed: asyncio.Event = field(default_factory=asyncio.Event)

    async def room_for(self, size: int) -> None:
        """Wait until there is room for another event."""
        while self._events >= MOST_UNANSWERED or self._bytes + size > MOST_UNANSWERED_BYTES:
            self._freed.clear()
            await self._freed.wait()
        self._events += 1
        self._bytes += size

    def put(self, sent: _Sent) -> None:
        """An event for which there was room has arrived."""
        self.arrived.append(sent)
        self._changed.set()

    def end(self) -> None:
        """Nothing more will arrive."""
        self.ended = True
        self._changed.set()

    def answered(self, sent: _Sent) -> None:
        """An answer has been written: its event takes no more room."""
        self._events -= 1
        self._bytes -= sent.size
        self._freed.set()

    async def together(self) -> list[_Sent]:
        """What has arrived, as far as it may be admitted together; nothing once all was taken.

        Two statements about one entry never are: the second waits for the first one's answer.
        """
        while not self.arrived and not self.ended:
            self._changed.clear()
            await self._changed.wait()
        group: list[_Sent] = []
        named: set[str] = set()
        while self.arrived and len(group) < MOST_TOGETHER:
            if not named.isdisjoint(self.arrived[0].names):
                break
            group.append(self.arrived.popleft())
            named |= group[-1].names
        return group


class PublisherStream:
    """One open stream of a publisher who is believed."""

    def __init__(
        self,
        around: Publishing,
        assertion: Assertion,
        write: Callable[[pb.PublishStreamResponse], Awaitable[None]],
        audit: Callable[[str], None],
    ) -> None:
        self._around = around
        self._assertion = assertion
        self._write = write
        self._audit = audit
        self._unanswered = _Unanswered()
        self._answers: asyncio.Queue[tuple[_Sent, Answer] | None] = asyncio.Queue()
        self._why: RpcRefused | None = None

    async def serve(
        self, requests: AsyncIterator[pb.PublishStreamRequest], stopping: asyncio.Event
    ) -> None:
        """Serve until everything that was read is answered and no more will be read.

        Raises RpcRefused when it was not the sender who ended it in order, NotAuthenticated, with
        answers outstanding, when the sender is not believed any more.
        """
        try:
            async with asyncio.TaskGroup() as works:
                reading = works.create_task(self._read(requests))
                works.create_task(self._admit())
                beside = (
                    works.create_task(self._stop_reading(reading, stopping)),
                    works.create_task(self._watch()),
                )
                await works.create_task(self._answer())
                for each in beside:
                    each.cancel()
        except* NotAuthenticated as cut_off:
            raise cut_off.exceptions[0] from None
        if self._why is not None:
            raise self._why

    async def _read(self, requests: AsyncIterator[pb.PublishStreamRequest]) -> None:
        following: int | None = None
        try:
            async for request in requests:
                if following not in {None, request.number}:
                    raise stream_ends("number_out_of_order")
                following = request.number + 1
                await self._take_in(request)
        except RpcRefused as why:
            self._why = why
        finally:
            self._unanswered.end()

    async def _take_in(self, request: pb.PublishStreamRequest) -> None:
        size = request.ByteSize()
        await self._unanswered.room_for(size)
        await self._around.rates.take_in_time(self._assertion.publisher, 1)
        body = _read_body(request)
        self._unanswered.put(_Sent(request.number, size, body, _names(body)))

    async def _admit(self) -> None:
        while group := await self._unanswered.together():
            self._require_belief()
            # A trace of its own, as a batch has: a stream may run for half an hour.
            with span("publish stream events", context=Context()):
                answers = await self._around.admit_all(self._submissions(group))
            for each in zip(group, answers, strict=True):
                self._answers.put_nowait(each)
            for reason in {each.reason for each in answers if isinstance(each, EventsError)}:
                self._audit(reason)
        self._answers.put_nowait(None)

    async def _answer(self) -> None:
        while (answered := await self._answers.get()) is not None:
            sent, answer = answered
            await self._write(_response(sent.number, answer))
            self._unanswered.answered(sent)

    async def _watch(self) -> None:
        while True:
            self._require_belief()
            await asyncio.sleep(BELIEF_SECONDS)

    async def _stop_reading(self, reading: asyncio.Task[None], stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._why = stream_ends("stopping")
        reading.cancel()

    def _require_belief(self) -> None:
        if not self._around.still_believed(self._assertion):
            raise NotAuthenticated("token_key")

    def _submissions(self, group: list[_Sent]) -> list[Submission]:
        publisher, scope = self._assertion.publisher, self._assertion.scope
        traceparent = current_traceparent()
        return [Submission(publisher, each.body, traceparent, scope=scope) for each in group]


def _read_body(request: pb.PublishStreamRequest) -> Mapping[str, Any] | Refused:
    """The event, read here already: it is held back until the entry it is about is free."""
    body = wire_publishing.body_of(request)
    if not isinstance(body, bytes):
        return body
    if len(body) > strict_json.MAX_BYTES:
        return TooLarge()
    try:
        read: Mapping[str, Any] = strict_json.read(body)
    except Refused as malformed:
        return malformed
    return read


def _names(body: Any) -> frozenset[str]:
    told = body if isinstance(body, dict) else {}
    data = told.get("data")
    about = (told.get("id"), data.get("supersedes") if isinstance(data, dict) else None)
    return frozenset(each for each in about if isinstance(each, str))


def _response(number: int, answer: Answer) -> pb.PublishStreamResponse:
    # Groups are admitted one after the other: with this one, all before it are answered.
    response = pb.PublishStreamResponse(number=number, answered_through=number)
    if isinstance(answer, Receipt):
        response.accepted.CopyFrom(wire_publishing.accepted(answer))
    else:
        response.refused.CopyFrom(refusal_in_stream(answer))
    return response
