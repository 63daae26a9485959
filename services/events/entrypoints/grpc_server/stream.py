"""A publisher's stream: read as far as there is room, admitted together, answered by number."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry.context import Context

from joinedup.events.v1 import life_events_pb2 as pb
from services.events import wire_publishing
from services.events.domain import strict_json
from services.events.domain.admission import Assertion, Receipt, Submission
from services.events.domain.errors import EventsError, NotAuthenticated, Refused, TooLarge
from services.events.entrypoints.grpc_server.refusals import refusal_in_stream, stream_ends
from services.events.entrypoints.grpc_server.unanswered import Message, Sent, Unanswered
from services.events.entrypoints.publishing import Publishing
from services.events.handlers.admit_life_events import Answer
from services.kit.rpc import RpcRefused
from services.kit.telemetry import current_traceparent, span

STREAMS_A_PUBLISHER: Final = 4
MOST_IN_A_MESSAGE: Final = 100
_NUMBERS: Final = 2**64
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
        self._unanswered = Unanswered()
        self._answers: asyncio.Queue[list[tuple[Sent, Answer]]] = asyncio.Queue()
        self._why: RpcRefused | None = None

    async def serve(
        self, requests: AsyncIterator[pb.PublishStreamRequest], stopping: asyncio.Event
    ) -> None:
        """Serve until everything that was read is answered and no more will be read.

        Raises RpcRefused when it was not the sender who ended it in order, NotAuthenticated, with
        answers outstanding, when the sender is not believed any more.
        """
        believed = True
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
        except* NotAuthenticated:
            believed = False
        if not believed:
            raise NotAuthenticated("token_key")
        if self._why is not None:
            raise self._why

    async def _read(self, requests: AsyncIterator[pb.PublishStreamRequest]) -> None:
        following: int | None = None
        try:
            async for request in requests:
                message = _message(request)
                if following not in {None, message.first} or message.last >= _NUMBERS:
                    raise stream_ends("number_out_of_order")
                if message.events > MOST_IN_A_MESSAGE:
                    raise stream_ends("message_too_long")
                await self._take_in(message, request)
                following = message.last + 1
        except RpcRefused as why:
            self._why = why
        finally:
            self._unanswered.end()

    async def _take_in(self, message: Message, request: pb.PublishStreamRequest) -> None:
        await self._unanswered.room_for(message)
        await self._around.rates.take_in_time(self._assertion.publisher, message.events)
        bodies = [_read_body(request), *map(_read_body, request.following)]
        self._unanswered.put(
            Sent(number, message, body, _names(body))
            for number, body in enumerate(bodies, start=message.first)
        )

    async def _admit(self) -> None:
        while group := await self._unanswered.together():
            self._require_belief()
            # A trace of its own, as a batch has: a stream may run for half an hour.
            with span("publish stream events", context=Context()):
                answers = await self._around.admit_all(self._submissions(group))
            self._answers.put_nowait(list(zip(group, answers, strict=True)))
            for reason in {each.reason for each in answers if isinstance(each, EventsError)}:
                self._audit(reason)
        self._answers.put_nowait([])

    async def _answer(self) -> None:
        told: list[Answer] = []
        while answered := await self._answers.get():
            for sent, answer in answered:
                told.append(answer)
                if sent.number == sent.message.last:
                    await self._write(_response(sent.message, told))
                    self._unanswered.answered(sent.message)
                    told = []

    async def _watch(self) -> None:
        while True:
            self._require_belief()
            await asyncio.sleep(BELIEF_SECONDS)

    async def _stop_reading(self, reading: asyncio.Task[None], stopping: asyncio.Event) -> None:
        await stopping.wait()
        if not reading.done():
            self._why = stream_ends("stopping")
            reading.cancel()

    def _require_belief(self) -> None:
        if not self._around.still_believed(self._assertion):
            raise NotAuthenticated("token_key")

    def _submissions(self, group: list[Sent]) -> list[Submission]:
        of, traceparent = self._assertion, current_traceparent()
        return [
            Submission(of.publisher, each.body, traceparent, scope=of.scope, bases=of.bases)
            for each in group
        ]


def _message(request: pb.PublishStreamRequest) -> Message:
    return Message(request.number, request.number + len(request.following), request.ByteSize())


def _read_body(
    request: pb.PublishStreamRequest | pb.PublishRequest,
) -> Mapping[str, Any] | Refused:
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


def _response(message: Message, told: Sequence[Answer]) -> pb.PublishStreamResponse:
    # Groups are admitted one after the other: with this one, all before it are answered.
    following = [
        pb.PublishStreamAnswer(number=number, **_result(answer))
        for number, answer in enumerate(told[1:], start=message.first + 1)
    ]
    return pb.PublishStreamResponse(
        number=message.first,
        answered_through=message.last,
        following=following,
        **_result(told[0]),
    )


def _result(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, Receipt):
        return {"accepted": wire_publishing.accepted(answer)}
    return {"refused": refusal_in_stream(answer)}
