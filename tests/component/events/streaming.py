"""A gRPC door in this process, before an admission that a test directs."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import grpc

from joinedup.events.v1 import life_events_pb2 as pb
from joinedup.events.v1.life_events_pb2_grpc import LifeEventsStub
from services.events.domain.admission import Assertion, Receipt, Submission
from services.events.domain.errors import NotAuthenticated
from services.events.domain.publisher import Publisher
from services.events.domain.rate import Limits
from services.events.entrypoints.grpc_server.life_events import services
from services.events.entrypoints.publishing import Publishing
from services.events.handlers.keep_to_rate import Rates
from services.kit import rpc
from services.kit.access import AccessTable
from services.kit.settings import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.events.domain.errors import EventsError

SECONDS = 20.0


@dataclass
class Gate:
    """Says what is admitted, when, and in which groups it came; a register and a store besides."""

    limits: Limits = field(default_factory=Limits)
    believed: bool = True
    answers: dict[str, EventsError] = field(default_factory=dict)
    groups: list[list[str]] = field(default_factory=list)
    traceparents: list[str] = field(default_factory=list)
    spent: set[str] = field(default_factory=set)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    read: int = 0
    """How many messages were read so far: each is counted against the rate."""
    padding: int = 0
    """How long a receipt is: no reader's window holds many long ones."""

    def __post_init__(self) -> None:
        self.open.set()

    async def admit(self, submissions: Sequence[Submission]) -> list[Receipt | EventsError]:
        self.groups.append([_id(each) for each in submissions])
        self.traceparents += [each.traceparent for each in submissions]
        await self.open.wait()
        return [self._answer(each) for each in submissions]

    async def spend(self, assertions: Sequence[Assertion]) -> list[bool]:
        fresh = [each.jti not in self.spent for each in assertions]
        self.spent |= {each.jti for each in assertions}
        return fresh

    def publisher(self, id: str) -> Publisher:  # noqa: A002  # the port's
        self.read += 1
        return Publisher(id, frozenset(), frozenset(), (), limits=self.limits)

    def believe(self, authorization: str | None) -> Assertion:
        if not authorization:
            raise NotAuthenticated("token_missing")
        return Assertion("gro", authorization, datetime(2026, 11, 23, tzinfo=UTC))

    @property
    def admitted(self) -> list[str]:
        return [each for group in self.groups for each in group]

    def _answer(self, submission: Submission) -> Receipt | EventsError:
        name = _id(submission)
        return self.answers.get(name) or Receipt(name.ljust(self.padding), duplicate=False)


def _id(submission: Submission) -> str:
    body = submission.body
    return str(body["id"]) if isinstance(body, dict) else type(body).__name__


class Door:
    """A running server; `stopping` is what ends its streams."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._tokens = 0

    async def __aenter__(self) -> Self:
        publishing = Publishing(
            admit=self.gate.admit,
            admit_many=self.gate.admit,
            admissions=self.gate,  # type: ignore[arg-type]  # no more of it is asked for
            rates=Rates(self.gate, time.monotonic),  # type: ignore[arg-type]  # the same
            believe=self.gate.believe,
            still_believed=lambda _assertion: self.gate.believed,
            monotonic=time.monotonic,
        )
        server = rpc.create_server(
            "127.0.0.1:0",
            add_services=services(publishing, self.stopping),
            access=AccessTable.load(REPOSITORY / "protos" / "rpc-access.yaml"),
        )
        serving = asyncio.Event()
        self._task = asyncio.create_task(
            rpc.serve(server, self._ended, ready=serving.set, grace_seconds=0.1)
        )
        await serving.wait()
        self.address = f"127.0.0.1:{rpc.port_of(server)}"
        self._channel = grpc.aio.insecure_channel(self.address)
        self.stub = LifeEventsStub(self._channel)
        return self

    async def __aexit__(self, *_raised: object) -> None:
        self.gate.open.set()
        await self._channel.close()
        self._ended.set()
        await self._task

    def stream(self, token: str = "") -> Any:
        """A stream, opened with a fresh token unless one is given."""
        self._tokens += 1
        metadata = (("authorization", token or f"Bearer {self._tokens}"),)
        return self.stub.PublishStream(timeout=SECONDS, metadata=metadata)


def event(number: int, name: str = "", supersedes: str = "", **more: Any) -> Any:
    """An event of that number; nothing but its id, and what it replaces, counts here."""
    data = {"supersedes": supersedes} if supersedes else {}
    told = {"id": name or f"e{number}", "data": data, **more}
    return pb.PublishStreamRequest(
        number=number % 2**64, cloud_event_json=json.dumps(told).encode()
    )


def together(*numbers: int) -> Any:
    """Events of these numbers in one message."""
    first, *following = map(event, numbers)
    first.following.extend(
        pb.PublishRequest(cloud_event_json=each.cloud_event_json) for each in following
    )
    return first


async def send(stream: Any, *requests: pb.PublishStreamRequest) -> None:
    """Write all of them."""
    for each in requests:
        await stream.write(each)


async def answers(stream: Any, count: int) -> list[pb.PublishStreamResponse]:
    """So many answers, in the order in which they come."""
    return [await stream.read() for _ in range(count)]


async def ending(stream: Any) -> tuple[list[int], grpc.StatusCode, str | None]:
    """The numbers that are still answered, and how the stream ends."""
    numbers: list[int] = []
    try:
        while (answer := await stream.read()) is not grpc.aio.EOF:
            numbers.append(answer.number)
    except grpc.aio.AioRpcError as error:
        return numbers, error.code(), rpc.reason_of(error)
    return numbers, await stream.code(), None
