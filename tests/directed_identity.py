"""An identity that tests direct, as the events service knows it: a real gRPC server."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

import grpc

from joinedup.identity.v1 import access_log_pb2
from joinedup.identity.v1 import subjects_pb2 as pb
from joinedup.identity.v1.access_log_pb2_grpc import (
    AccessLogServicer,
    add_AccessLogServicer_to_server,
)
from joinedup.identity.v1.subjects_pb2_grpc import SubjectsServicer, add_SubjectsServicer_to_server
from services.kit import rpc
from services.kit.access import AccessTable
from services.kit.clock import make_clock
from services.kit.ids import new_random_id
from services.kit.service_tokens import TokenVerifier
from services.kit.settings import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

NOW: Final = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
UNCONCERNED: Final = frozenset({"child"})


class AccessLog(AccessLogServicer):
    """Takes refused attempts down, or is away with its identity."""

    List = Append = None  # type: ignore[assignment]

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def Refuse(self, request, _context):  # noqa: N802  # the contract's name
        if self._identity.keeping_no_lines:
            raise rpc.RpcRefused(grpc.StatusCode.UNAVAILABLE, "store_unavailable")
        self._identity.attempts += request.attempts
        return access_log_pb2.AccessLogRefuseResponse()


@dataclass
class Identity(SubjectsServicer):
    """Knows the people it is told of, and fails as it is told to; a server on its own thread."""

    keys: Path
    known: dict[str, str] = field(default_factory=dict)
    answers: dict[str, pb.ResolveResponse] = field(default_factory=dict)
    asked: list[pb.ResolveRequest] = field(default_factory=list)
    traceparents: list[str] = field(default_factory=list)
    refusals: list[tuple[grpc.StatusCode, str]] = field(default_factory=list)
    held: threading.Event | None = None
    attempts: list[access_log_pb2.RefusedAttempt] = field(default_factory=list)
    keeping_no_lines: bool = False
    target: str = ""

    async def Resolve(self, request, context):  # noqa: N802  # the contract's name
        self.asked.append(request)
        self.traceparents.append(dict(context.invocation_metadata()).get("traceparent", ""))
        if self.held is not None:
            await asyncio.to_thread(self.held.wait, 20)
        if self.refusals:
            raise rpc.RpcRefused(*self.refusals.pop(0))
        return self._kept(request)

    async def ResolveBatch(self, request, context):  # noqa: N802  # the contract's name
        self.asked += request.events
        self.traceparents += [each.traceparent for each in request.events]
        if self.held is not None:
            await asyncio.to_thread(self.held.wait, 20)
        return pb.ResolveBatchResponse(results=map(self._result, request.events))

    async def Register(self, request, context):  # noqa: N802  # the contract's name
        raise rpc.RpcRefused(grpc.StatusCode.UNIMPLEMENTED, "not_here")

    def _result(self, request: pb.ResolveRequest) -> pb.ResolveResult:
        if not self.refusals:
            return pb.ResolveResult(resolved=self._kept(request))
        status, code = self.refusals.pop(0)
        again = status is grpc.StatusCode.UNAVAILABLE
        return pb.ResolveResult(refused=pb.ResolveRefusal(code=code, try_again=again))

    def _kept(self, request: pb.ResolveRequest) -> pb.ResolveResponse:
        if request.event_id not in self.answers:
            self.answers[request.event_id] = self._answer(request)
        return self.answers[request.event_id]

    def _answer(self, request: pb.ResolveRequest) -> pb.ResolveResponse:
        persons = [
            self._resolved(person) for person in request.persons if person.role not in UNCONCERNED
        ]
        return pb.ResolveResponse(persons=persons, case_id=new_random_id())

    def _resolved(self, person: pb.Person) -> pb.ResolvedPerson:
        values = [self.known[each.value] for each in person.identifiers if each.value in self.known]
        if not values:
            return pb.ResolvedPerson(role=person.role, subject=new_random_id())
        resolved = pb.ResolvedPerson(
            role=person.role,
            subject=values[0],
            permission_serial=7,
            age_years=32,
            fulfilled_types=["child-benefit.claim.made.v1"],
        )
        resolved.record.update({"postcode_area": "CF"})
        return resolved

    def start(self) -> Self:
        """Serve from a thread; returns once it listens."""
        started = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(started)), daemon=True
        )
        self._thread.start()
        assert started.wait(10)
        return self

    def stop(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self, started: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        clock = make_clock((NOW - datetime.now(UTC)).total_seconds(), "test")
        server = rpc.create_server(
            self.target or "127.0.0.1:0",
            add_services=[
                (add_SubjectsServicer_to_server, self, "joinedup.identity.v1.Subjects"),
                (
                    add_AccessLogServicer_to_server,
                    AccessLog(self),
                    "joinedup.identity.v1.AccessLog",
                ),
            ],
            access=AccessTable.load(REPOSITORY / "protos" / "rpc-access.yaml"),
            verifier=TokenVerifier("identity", self.keys, clock=clock),
        )
        self.target = f"127.0.0.1:{rpc.port_of(server)}"
        await rpc.serve(server, self._stop, ready=started.set, grace_seconds=0.1)
