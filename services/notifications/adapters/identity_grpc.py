"""Identity over gRPC: permissions read through, and the lease to serve."""

from collections.abc import Sequence
from typing import Final

import grpc

from joinedup.identity.v1 import (
    access_log_pb2,
    access_log_pb2_grpc,
    enforcement_points_pb2,
    enforcement_points_pb2_grpc,
    permissions_pb2,
    permissions_pb2_grpc,
)
from services.notifications.domain.access_line import AccessLine
from services.notifications.domain.errors import (
    AccessLogsUnavailable,
    DecisionInvalid,
    PermissionsUnavailable,
)
from services.notifications.domain.permission import PermissionSet
from services.notifications.ports import LeaseRefused
from services.notifications.wire.access_lines import line_messages
from services.notifications.wire.permissions import permission_set_of

READ_SECONDS: Final = 1.0
APPEND_SECONDS: Final = 4.0
# The answers that mean "not with this lease", and not "try again with it".
_REFUSALS: Final = frozenset(
    {
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
    }
)


class IdentityPermissions:
    """The port Permissions."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = permissions_pb2_grpc.PermissionsStub(channel)

    async def read(self, subjects: Sequence[str]) -> list[PermissionSet]:
        """The sets in force; raises PermissionsUnavailable."""
        request = permissions_pb2.SnapshotRequest(subjects=subjects)
        try:
            answer = await self._stub.Snapshot(request, timeout=READ_SECONDS)
            sets = [permission_set_of(each) for each in answer.sets]
        except (grpc.aio.AioRpcError, DecisionInvalid) as error:
            raise PermissionsUnavailable from error
        if [each.subject for each in sets] != list(subjects):
            raise PermissionsUnavailable
        return sets


class IdentityAccessLogs:
    """The port AccessLogs."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = access_log_pb2_grpc.AccessLogStub(channel)

    async def append(self, lines: Sequence[AccessLine]) -> None:
        """In one call; raises AccessLogsUnavailable."""
        request = access_log_pb2.AccessLogAppendRequest(lines=line_messages(lines))
        try:
            await self._stub.Append(request, timeout=APPEND_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise AccessLogsUnavailable(error.code().name.lower()) from error


class IdentityLeases:
    """The port Leases."""

    def __init__(self, channel: grpc.aio.Channel, address: str, instance: str) -> None:
        self._stub = enforcement_points_pb2_grpc.EnforcementPointsStub(channel)
        self._address = address
        self._instance = instance

    async def register(self, seconds: float) -> float:
        """Ask for a lease for at most that time; answers its length."""
        request = enforcement_points_pb2.EnforcementPointsRegisterRequest(
            address=self._address, instance=self._instance
        )
        try:
            answer = await self._stub.Register(request, timeout=seconds)
        except grpc.aio.AioRpcError as error:
            raise PermissionsUnavailable from error
        return answer.lease.ToTimedelta().total_seconds()

    async def renew(self, seconds: float) -> float:
        """Ask for the lease to live on; answers its length. Raises LeaseRefused."""
        request = enforcement_points_pb2.RenewRequest(instance=self._instance)
        try:
            answer = await self._stub.Renew(request, timeout=seconds)
        except grpc.aio.AioRpcError as error:
            if error.code() in _REFUSALS:
                raise LeaseRefused from error
            raise PermissionsUnavailable from error
        return answer.lease.ToTimedelta().total_seconds()
