"""The call to an enforcement point, by gRPC."""

import grpc

from joinedup.notifications.v1 import fences_pb2, fences_pb2_grpc
from services.identity.adapters.kept_channels import KeptChannels
from services.identity.domain.permission import PermissionSet
from services.identity.wire.permissions import permission_set_message
from services.kit.telemetry import log


class GrpcFences:
    """The port FenceCaller."""

    def __init__(self, channels: KeptChannels) -> None:
        self._channels = channels

    async def fence(self, address: str, permissions: PermissionSet, within_seconds: float) -> bool:
        """Whether the process holds the set or a newer one; anything but that word is a no."""
        stub = fences_pb2_grpc.FencesStub(await self._channels.to(address))
        request = fences_pb2.FenceRequest(permissions=permission_set_message(permissions))
        try:
            response = await stub.Fence(request, timeout=within_seconds)
        except grpc.aio.AioRpcError as error:
            log(__name__).warning("fence unconfirmed", extra={"code": error.code().name.lower()})
            return False
        return bool(response.serial >= permissions.serial)
