"""Whole permission sets over gRPC from identity."""

from collections.abc import Iterable
from typing import Final

import grpc

from joinedup.identity.v1 import permissions_pb2, permissions_pb2_grpc
from services.nudges import wire
from services.nudges.domain.errors import PermissionsUnavailable
from services.nudges.domain.permission import PermissionSet

MAX_SUBJECTS: Final = 500
DEADLINE_SECONDS: Final = 2.0


class IdentitySnapshots:
    """Permissions/Snapshot, in calls of at most 500 handles and two seconds."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = permissions_pb2_grpc.PermissionsStub(channel)

    async def fetch(self, handles: Iterable[str]) -> list[PermissionSet]:
        """The sets of these handles; raises PermissionsUnavailable for every kind of failure.

        A refusal is a failure like any other: without an answer nothing may be decided.
        """
        asked = list(handles)
        answered: list[PermissionSet] = []
        for start in range(0, len(asked), MAX_SUBJECTS):
            answered += await self._call(asked[start : start + MAX_SUBJECTS])
        return answered

    async def _call(self, handles: list[str]) -> list[PermissionSet]:
        request = permissions_pb2.SnapshotRequest(subjects=handles)
        try:
            response = await self._stub.Snapshot(request, timeout=DEADLINE_SECONDS)
            sets = [wire.permission_set(each) for each in response.sets]
        except grpc.aio.AioRpcError as error:
            raise PermissionsUnavailable(error.code().name.lower()) from None
        except (ValueError, OverflowError):
            raise PermissionsUnavailable("answer_unreadable") from None
        if [each.subject for each in sets] != handles:
            raise PermissionsUnavailable("answer_incomplete")
        return sets
