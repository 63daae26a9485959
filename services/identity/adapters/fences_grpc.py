"""The call to an enforcement point, by gRPC."""

from collections.abc import Callable
from typing import Final

import grpc

from joinedup.notifications.v1 import fences_pb2, fences_pb2_grpc
from services.identity.domain.permission import PermissionSet
from services.identity.wire.permissions import permission_set_message
from services.kit.rpc import connect
from services.kit.telemetry import log

GRACE_SECONDS: Final = 2.0
CHANNELS_KEPT: Final = 64


class GrpcFences:
    """The port FenceCaller; a channel for each address, kept."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token
        self._channels: dict[str, grpc.aio.Channel] = {}

    async def fence(self, address: str, permissions: PermissionSet, within_seconds: float) -> bool:
        """Whether the process holds the set or a newer one; anything but that word is a no."""
        stub = fences_pb2_grpc.FencesStub(await self._channel(address))
        request = fences_pb2.FenceRequest(permissions=permission_set_message(permissions))
        try:
            response = await stub.Fence(request, timeout=within_seconds)
        except grpc.aio.AioRpcError as error:
            log(__name__).warning("fence unconfirmed", extra={"code": error.code().name.lower()})
            return False
        return bool(response.serial >= permissions.serial)

    async def close(self) -> None:
        """Close every channel."""
        for channel in self._channels.values():
            await channel.close()
        self._channels.clear()

    async def _channel(self, address: str) -> grpc.aio.Channel:
        channel = self._channels.pop(address, None)
        if channel is None:
            channel = connect(address, token=self._token)
        # Last in the dictionary is last used: the first is the one to let go.
        self._channels[address] = channel
        if len(self._channels) > CHANNELS_KEPT:
            oldest = next(iter(self._channels))
            await self._channels.pop(oldest).close(GRACE_SECONDS)
        return channel
