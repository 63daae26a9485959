"""Identity as it runs, on a real database, with real enforcement points to call."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from joinedup.identity.v1 import (
    access_line_pb2,
    access_log_pb2,
    access_log_pb2_grpc,
    enforcement_points_pb2_grpc,
    permissions_pb2,
    permissions_pb2_grpc,
    sign_in_pb2_grpc,
    subjects_pb2,
    subjects_pb2_grpc,
)
from joinedup.notifications.v1 import (
    access_lines_pb2,
    access_lines_pb2_grpc,
    fences_pb2,
    fences_pb2_grpc,
)
from services.identity.adapters import catalogue_files
from services.identity.adapters.fences_grpc import GrpcFences
from services.identity.adapters.kept_channels import KeptChannels
from services.identity.adapters.person_tokens import SignedPersonTokens
from services.identity.adapters.postgres_access import PostgresAccessLog
from services.identity.adapters.postgres_fences import PostgresFences
from services.identity.adapters.postgres_pool import make_pool
from services.identity.adapters.postgres_store import PostgresStore
from services.identity.adapters.waiting_lines_grpc import GrpcWaitingLines
from services.identity.domain.identifier import Fingerprints
from services.identity.domain.page_token import PageTokens
from services.identity.entrypoints.grpc_server import services
from services.identity.entrypoints.surroundings import Surroundings
from services.identity.handlers.fencing import Fencing
from services.kit import rpc
from services.kit.access import AccessTable
from services.kit.clock import SystemClock
from services.kit.ids import new_random_id
from services.kit.service_tokens import TokenSigner, TokenVerifier, generate_keypair
from services.kit.settings import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import grpc

    from services.identity.domain.permission_history import Entry

ACCESS = AccessTable.load(REPOSITORY / "protos" / "rpc-access.yaml")
ISSUER = "http://127.0.0.1:1"
SERVICES = ("events", "identity", "notifications", "nudges", "operator")


class Keys:
    """Key pairs of every service and of person tokens."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in (*SERVICES, "people"):
            generate_keypair(self.private(name), folder / f"{name}.public.pem")

    def private(self, name: str) -> Path:
        return self.folder / f"{name}.private.pem"

    def verifier(self, audience: str) -> TokenVerifier:
        people = self.folder / "people.public.pem"
        return TokenVerifier(audience, self.folder, people, clock=SystemClock())

    def signed(self, name: str, audience: str) -> Callable[[], str]:
        signer = TokenSigner(name, self.private(name))
        return lambda: signer.token(audience, SystemClock().now())


class IdTokensOfNobody:
    """No identity provider; sign-in has tests of its own."""

    async def subject_of(self, id_token: str, nonce: str) -> tuple[str, str]:
        return ISSUER, id_token


class Identity:
    """A running identity, and ways to call it."""

    def __init__(self, database_url: str, keys: Keys, *, lease_seconds: float = 10.0) -> None:
        self.keys = keys
        self.clock = SystemClock()
        self.pool = make_pool(database_url)
        self.saved = asyncio.Event()
        self.store = PostgresStore(self.pool, new_random_id, self.saved.set)
        self.book = PostgresFences(self.pool, timedelta(seconds=lease_seconds))
        self.channels = KeptChannels(keys.signed("identity", "notifications"))
        self.fencing = Fencing(self.book, GrpcFences(self.channels), self.clock, asyncio.sleep)
        self.tokens = SignedPersonTokens(keys.private("people"), new_random_id)
        self.lease = timedelta(seconds=lease_seconds)
        self.catalogue = REPOSITORY / "catalogue"
        self._channels: list[grpc.aio.Channel] = []

    async def __aenter__(self) -> Self:
        await self.pool.open()
        server = rpc.create_server(
            "127.0.0.1:0",
            add_services=services(self._around()),
            access=ACCESS,
            verifier=self.keys.verifier("identity"),
        )
        self.target = f"127.0.0.1:{rpc.port_of(server)}"
        self._stop, ready = asyncio.Event(), asyncio.Event()
        serving = rpc.serve(server, self._stop, ready=ready.set, grace_seconds=0.1)
        self._task = asyncio.create_task(serving)
        await ready.wait()
        self.subjects = subjects_pb2_grpc.SubjectsStub(self.channel("events"))
        self.register = subjects_pb2_grpc.SubjectsStub(self.channel("operator")).Register
        self.points = enforcement_points_pb2_grpc.EnforcementPointsStub(
            self.channel("notifications")
        )
        self.services = permissions_pb2_grpc.PermissionsStub(self.channel("nudges"))
        self.sign_in = sign_in_pb2_grpc.SignInStub(self._connect(None))
        return self

    async def __aexit__(self, *_raised: object) -> None:
        for channel in self._channels:
            await channel.close()
        self._stop.set()
        await self._task
        await self.channels.close()
        await self.pool.close()

    def channel(self, name: str) -> grpc.aio.Channel:
        return self._connect(self.keys.signed(name, "identity"))

    def permissions_of(self, handle: str) -> Any:
        token, _ = self.tokens.token(handle, "cy", self.clock.now())
        return permissions_pb2_grpc.PermissionsStub(self._connect(lambda: token))

    async def access_log(self, handle: str, **asked: Any) -> Any:
        token, _ = self.tokens.token(handle, "cy", self.clock.now())
        stub = access_log_pb2_grpc.AccessLogStub(self._connect(lambda: token))
        return await stub.List(access_log_pb2.AccessLogListRequest(**asked))

    def access_log_for(self, service: str) -> Any:
        return access_log_pb2_grpc.AccessLogStub(self.channel(service))

    async def agreement_hash(self, purpose: str = "family", controller: str = "hmrc") -> str:
        found = catalogue_files.agreements(self.catalogue).current
        return found[purpose, controller].hash

    async def give(self, handle: str, purpose: str = "family", controller: str = "hmrc") -> Any:
        return await self.permissions_of(handle).Give(
            permissions_pb2.GiveRequest(
                purpose=purpose,
                controller=controller,
                agreement_hash=await self.agreement_hash(purpose, controller),
            )
        )

    async def withdraw(self, handle: str, patience: float = 10.0, **changed: Any) -> Any:
        request = {"purpose": "family", "controller": "hmrc"} | changed
        return await self.permissions_of(handle).Withdraw(
            permissions_pb2.WithdrawRequest(**request), timeout=patience
        )

    async def object(self, handle: str, **changed: Any) -> Any:
        request = {"purpose": "family", "controller": "hmrc"} | changed
        return await self.permissions_of(handle).Object(
            permissions_pb2.ObjectRequest(**request), timeout=10.0
        )

    async def history(self, handle: str) -> list[Entry]:
        async with self.store.transaction() as tx:
            return await tx.permissions.history(handle)

    async def snapshot(self, *handles: str) -> Any:
        return (
            await self.services.Snapshot(permissions_pb2.SnapshotRequest(subjects=handles))
        ).sets

    def _connect(self, token: Callable[[], str] | None) -> grpc.aio.Channel:
        made = rpc.connect(self.target, token=token)
        self._channels.append(made)
        return made

    def _around(self) -> Surroundings:
        return Surroundings(
            store=self.store,
            book=self.book,
            fencing=self.fencing,
            fingerprints=Fingerprints(b"k" * 32),
            event_types=catalogue_files.event_types(self.catalogue),
            agreements=catalogue_files.agreements(self.catalogue),
            publishers=catalogue_files.publishers(self.catalogue),
            id_tokens=IdTokensOfNobody(),
            person_tokens=self.tokens,
            issuer=ISSUER,
            lease=self.lease,
            clock=self.clock,
            new_id=new_random_id,
            access_log=PostgresAccessLog(self.pool),
            waiting_lines=GrpcWaitingLines(self.book, self.channels),
            page_tokens=PageTokens(b"k" * 32),
        )


class Point(fences_pb2_grpc.FencesServicer, access_lines_pb2_grpc.AccessLinesServicer):
    """A process that streams or opens content; `answering` says when it answers anything.

    `waiting` are the lines of access logs that it has not handed over.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self.instance = new_random_id()
        self.fenced: list[Any] = []
        self.asked = asyncio.Event()
        self.answering = asyncio.Event()
        self.answering.set()
        self.behind = 0
        self.waiting: list[access_line_pb2.AccessLine] = []

    async def Fence(self, request: Any, _context: Any) -> fences_pb2.FenceResponse:  # noqa: N802
        self.fenced.append(request.permissions)
        self.asked.set()
        await self.answering.wait()
        return fences_pb2.FenceResponse(serial=request.permissions.serial - self.behind)

    async def Pending(self, request: Any, _context: Any) -> Any:  # noqa: N802
        await self.answering.wait()
        behind = (request.before_at.ToNanoseconds(), request.before_id)
        found = [
            line
            for line in sorted(self.waiting, key=_place, reverse=True)
            if not request.HasField("before_at") or _place(line) < behind
        ]
        return access_lines_pb2.PendingResponse(lines=found[: request.limit])

    async def Status(self, _request: Any, _context: Any) -> fences_pb2.StatusResponse:  # noqa: N802
        return fences_pb2.StatusResponse()

    async def __aenter__(self) -> Self:
        server = rpc.create_server(
            "127.0.0.1:0",
            add_services=[
                (
                    fences_pb2_grpc.add_FencesServicer_to_server,
                    self,
                    fences_pb2.DESCRIPTOR.services_by_name["Fences"].full_name,
                ),
                (
                    access_lines_pb2_grpc.add_AccessLinesServicer_to_server,
                    self,
                    access_lines_pb2.DESCRIPTOR.services_by_name["AccessLines"].full_name,
                ),
            ],
            access=ACCESS,
            verifier=self._identity.keys.verifier("notifications"),
        )
        self.address = f"127.0.0.1:{rpc.port_of(server)}"
        self._stop, ready = asyncio.Event(), asyncio.Event()
        serving = rpc.serve(server, self._stop, ready=ready.set, grace_seconds=0.1)
        self._task = asyncio.create_task(serving)
        await ready.wait()
        return self

    async def __aexit__(self, *_raised: object) -> None:
        self.answering.set()
        self._stop.set()
        await self._task


def _place(line: access_line_pb2.AccessLine) -> tuple[int, str]:
    return line.at.ToNanoseconds(), line.id


async def in_one_call(identity: Identity, events: Any) -> Any:
    """The results of a call about many events."""
    answer = await identity.subjects.ResolveBatch(
        subjects_pb2.ResolveBatchRequest(events=events), timeout=30
    )
    return answer.results


async def eventually(condition: Callable[[], Any], seconds: float = 8.0) -> Any:
    """Wait until the condition, an async function, answers something true."""
    async with asyncio.timeout(seconds):
        while not (found := await condition()):  # noqa: ASYNC110  # another process's state
            await asyncio.sleep(0.01)
    return found
