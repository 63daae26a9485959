"""Channels to the processes of another service, found by their addresses and kept."""

from collections.abc import Callable
from typing import Final

import grpc

from services.kit.rpc import connect

GRACE_SECONDS: Final = 2.0
CHANNELS_KEPT: Final = 64


class KeptChannels:
    """A channel for each address; of too many, the one that was used longest ago is let go."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token
        self._channels: dict[str, grpc.aio.Channel] = {}

    async def to(self, address: str) -> grpc.aio.Channel:
        """The channel to an address."""
        channel = self._channels.pop(address, None)
        if channel is None:
            channel = connect(address, token=self._token)
        # Last in the dictionary is last used: the first is the one to let go.
        self._channels[address] = channel
        if len(self._channels) > CHANNELS_KEPT:
            oldest = next(iter(self._channels))
            await self._channels.pop(oldest).close(GRACE_SECONDS)
        return channel

    async def close(self) -> None:
        """Close every channel."""
        for channel in self._channels.values():
            await channel.close()
        self._channels.clear()
