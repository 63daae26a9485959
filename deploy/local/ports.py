"""Every port of the platform: a base plus a fixed offset, all below the ephemeral range."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from deploy.local.errors import LocalError

DEFAULT_BASE: Final = 17000

# A client polling a closed port above 32768 can be given that very port as its own end, connect
# to itself, and so keep the server from binding it.
_FIRST_EPHEMERAL: Final = 32768
_FIRST_UNPRIVILEGED: Final = 1024

OFFSETS: Final = MappingProxyType(
    {
        "traces": 50,
        "otlp": 51,
        "sign_in": 60,
        "portal": 70,
        "portal_probe": 71,
        "events_http": 80,
        "events_probe": 81,
        "events_grpc": 82,
        "identity_grpc": 90,
        "identity_probe": 91,
        "kafka": 92,
        "kafka_controller": 93,
        "notifications_grpc": 100,
        "notifications_probe": 101,
        "notifications_2_grpc": 105,
        "notifications_2_probe": 106,
        "nudges_probe": 111,
        "redis": 379,
        "postgres": 432,
    }
)


def check_base(base: int) -> int:
    """Return the base if every port made from it is usable, else raise LocalError."""
    if base < _FIRST_UNPRIVILEGED or base + max(OFFSETS.values()) >= _FIRST_EPHEMERAL:
        highest = _FIRST_EPHEMERAL - 1 - max(OFFSETS.values())
        message = f"JOINEDUP_PORT_BASE must lie between {_FIRST_UNPRIVILEGED} and {highest}"
        raise LocalError(message)
    return base


def port(base: int, name: str) -> int:
    """Return the TCP port of a name in OFFSETS."""
    return base + OFFSETS[name]


def address(base: int, name: str) -> str:
    """Return `127.0.0.1:PORT` of a name in OFFSETS."""
    return f"127.0.0.1:{port(base, name)}"


def url(base: int, name: str) -> str:
    """Return `http://127.0.0.1:PORT` of a name in OFFSETS."""
    return f"http://{address(base, name)}"
