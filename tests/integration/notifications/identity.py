"""Identity, as far as notifications knows it: a real gRPC server that keeps sets and leases."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import grpc

from joinedup.identity.v1 import (
    access_log_pb2,
    access_log_pb2_grpc,
    enforcement_points_pb2,
    enforcement_points_pb2_grpc,
    permission_set_pb2,
    permissions_pb2,
    permissions_pb2_grpc,
)
from joinedup.notifications.v1 import fences_pb2, fences_pb2_grpc
from services.kit import rpc
from services.kit.access import AccessTable
from services.kit.clock import SystemClock
from services.kit.ids import new_random_id
from services.kit.service_tokens import (
    PERSON_AUDIENCE,
    PERSON_TYPE,
    TokenSigner,
    TokenVerifier,
    generate_keypair,
)
from services.kit.settings import REPOSITORY
from tests.unit.notifications.builders import a_given_row, a_set_message, a_withdrawn_row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ACCESS = AccessTable.load(REPOSITORY / "protos" / "rpc-access.yaml")
PermissionSet = permission_set_pb2.PermissionSet


class Keys:
    """Key pairs of services and of person tokens, and the secret of cursors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("identity", "notifications", "nudges", "operator", "person-tokens"):
            generate_keypair(self.private(name), self.public(name))
        self.cursors = folder / "cursors.hmac"
        self.cursors.write_text("ab" * 32)

    def private(self, name: str) -> Path:
        return self.folder / f"{name}.private.pem"

    def public(self, name: str) -> Path:
        return self.folder / f"{name}.public.pem"

    def service_token(self, name: str, audience: str) -> Callable[[], str]:
        signer = TokenSigner(name, self.private(name))
        return lambda: signer.token(audience, SystemClock().now())

    def person_token(self, subject: str) -> str:
        signer = TokenSigner("identity", self.private("person-tokens"), PERSON_TYPE, 900)
        claims = {"sub": subject, "lang": "cy", "jti": new_random_id()}
        return signer.sign(PERSON_AUDIENCE, SystemClock().now(), claims)


@dataclass
class Identity:
    """The sets in force, the processes that may serve, and how to end a permission everywhere."""

    keys: Keys
    lease_seconds: float = 5.0
    sets: dict[str, PermissionSet] = field(default_factory=dict)
    points: dict[str, str] = field(default_factory=dict)
    lines: list[Any] = field(default_factory=list)
    keeping_no_lines: bool = False
    leased_until: float = 0.0
    snapshots: int = 0
    turned_away: int = 0
    away: bool = False
    refusing_leases: bool = False
    target: str = ""
    _fences: dict[str, Any] = field(default_factory=dict)
    _channels: list[grpc.aio.Channel] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        server = rpc.create_server(
            "127.0.0.1:0",
            add_services=[
                (
                    permissions_pb2_grpc.add_PermissionsServicer_to_server,
                    _Permissions(self),
                    "joinedup.identity.v1.Permissions",
                ),
                (
                    enforcement_points_pb2_grpc.add_EnforcementPointsServicer_to_server,
                    _Points(self),
                    "joinedup.identity.v1.EnforcementPoints",
                ),
                (
                    access_log_pb2_grpc.add_AccessLogServicer_to_server,
                    _AccessLog(self),
                    "joinedup.identity.v1.AccessLog",
                ),
            ],
            access=ACCESS,
            verifier=TokenVerifier("identity", self.keys.folder, clock=SystemClock()),
        )
        self.target = f"127.0.0.1:{rpc.port_of(server)}"
        self._stop, ready = asyncio.Event(), asyncio.Event()
        self._task = asyncio.create_task(
            rpc.serve(server, self._stop, ready=ready.set, grace_seconds=0.1)
        )
        await ready.wait()
        return self

    async def __aexit__(self, *_raised: object) -> None:
        for channel in self._channels:
            await channel.close()
        self._stop.set()
        await self._task

    def lent(self) -> int:
        """The milliseconds of a lease that begins now."""
        self.leased_until = asyncio.get_running_loop().time() + self.lease_seconds
        return int(self.lease_seconds * 1000)

    def all_leases_over(self) -> bool:
        """Whether nobody may serve any more on a lease from here."""
        return asyncio.get_running_loop().time() > self.leased_until

    def give(self, subject: str, **row: Any) -> PermissionSet:
        """Permit family and HMRC, without telling anybody."""
        epoch = self._epoch(subject)
        return self._set(subject, a_given_row(**{"epoch": epoch} | row))

    def end(self, subject: str) -> PermissionSet:
        """Take it back, without telling anybody."""
        return self._set(subject, a_withdrawn_row(self._epoch(subject) + 1))

    def silence(self, subject: str) -> PermissionSet:
        """Put the flag of a registered death up."""
        rows = self.sets[subject].permissions
        flags = [permission_set_pb2.FLAG_DECEASED]
        return self._keep(a_set_message(subject, self._serial(subject) + 1, *rows, flags=flags))

    def revive(self, subject: str) -> PermissionSet:
        """Lift the flag: the death was entered in error."""
        rows = self.sets[subject].permissions
        return self._keep(a_set_message(subject, self._serial(subject) + 1, *rows))

    def close(self, subject: str, *cases: str) -> PermissionSet:
        """Close cases of a person: a child was lost."""
        rows, serial = self.sets[subject].permissions, self._serial(subject) + 1
        return self._keep(a_set_message(subject, serial, *rows, closed_cases=cases))

    async def fence(self, new: PermissionSet) -> list[fences_pb2.FenceResponse]:
        """Ask every process that may serve; answers when all have answered."""
        request = fences_pb2.FenceRequest(permissions=new)
        return list(
            await asyncio.gather(
                *(self._stub(each).Fence(request, timeout=5) for each in self.points.values())
            )
        )

    async def withdraw(self, subject: str) -> list[fences_pb2.FenceResponse]:
        """Take it back, and answer when that holds everywhere."""
        return await self.fence(self.end(subject))

    def _set(self, subject: str, row: permission_set_pb2.Permission) -> PermissionSet:
        return self._keep(a_set_message(subject, self._serial(subject) + 1, row))

    def _keep(self, new: PermissionSet) -> PermissionSet:
        self.sets[new.subject] = new
        return new

    def _serial(self, subject: str) -> int:
        return self.sets[subject].serial if subject in self.sets else 0

    def _epoch(self, subject: str) -> int:
        return self.sets[subject].permissions[0].epoch if subject in self.sets else 0

    def _stub(self, address: str) -> Any:
        if address not in self._fences:
            token = self.keys.service_token("identity", "notifications")
            channel = rpc.connect(address, token=token)
            self._channels.append(channel)
            self._fences[address] = fences_pb2_grpc.FencesStub(channel)
        return self._fences[address]


class _Permissions(permissions_pb2_grpc.PermissionsServicer):
    """Only what services ask; a person's own calls are not served here."""

    List = Give = Withdraw = Object = History = None  # type: ignore[assignment]

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def Snapshot(  # noqa: N802
        self, request: permissions_pb2.SnapshotRequest, _context: Any
    ) -> permissions_pb2.SnapshotResponse:
        identity = self._identity
        if identity.away:
            identity.turned_away += 1
            raise rpc.RpcRefused(grpc.StatusCode.UNAVAILABLE, "away")
        identity.snapshots += 1
        return permissions_pb2.SnapshotResponse(
            sets=[identity.sets.get(each, PermissionSet(subject=each)) for each in request.subjects]
        )


class _AccessLog(access_log_pb2_grpc.AccessLogServicer):
    List = Refuse = None  # type: ignore[assignment]

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def Append(  # noqa: N802
        self, request: access_log_pb2.AccessLogAppendRequest, _context: Any
    ) -> access_log_pb2.AccessLogAppendResponse:
        if self._identity.keeping_no_lines:
            raise rpc.RpcRefused(grpc.StatusCode.UNAVAILABLE, "away")
        self._identity.lines += request.lines
        return access_log_pb2.AccessLogAppendResponse()


class _Points(enforcement_points_pb2_grpc.EnforcementPointsServicer):
    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def Register(  # noqa: N802
        self, request: enforcement_points_pb2.EnforcementPointsRegisterRequest, _context: Any
    ) -> enforcement_points_pb2.EnforcementPointsRegisterResponse:
        identity = self._identity
        if identity.refusing_leases:
            raise rpc.RpcRefused(grpc.StatusCode.UNAVAILABLE, "away")
        identity.points[request.instance] = request.address
        answer = enforcement_points_pb2.EnforcementPointsRegisterResponse()
        answer.lease.FromMilliseconds(identity.lent())
        return answer

    async def Renew(  # noqa: N802
        self, request: enforcement_points_pb2.RenewRequest, _context: Any
    ) -> enforcement_points_pb2.RenewResponse:
        identity = self._identity
        if identity.refusing_leases:
            raise rpc.RpcRefused(grpc.StatusCode.UNAVAILABLE, "away")
        if request.instance not in identity.points:
            raise rpc.RpcRefused(grpc.StatusCode.FAILED_PRECONDITION, "lease_expired")
        answer = enforcement_points_pb2.RenewResponse()
        answer.lease.FromMilliseconds(identity.lent())
        return answer
