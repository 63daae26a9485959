"""Connections to the platform's gRPC servers, and what every call carries."""

from __future__ import annotations

from typing import Final

import grpc

from joinedup.client.tracing import TRACEPARENT, current_traceparent

CALL_SECONDS: Final = 10.0

_OPTIONS: Final = (
    # A device is a connection of its own, also where many live in one process.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    # Also how long a connection may take to be made: a busy server needs its time.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.enable_http_proxy", 0),
)


def connect(target: str) -> grpc.aio.Channel:
    """A connection to `host:port`; it is made at the first call, and made again when lost."""
    return grpc.aio.insecure_channel(target, options=_OPTIONS)


def metadata(token: str) -> tuple[tuple[str, str], ...]:
    """What a call carries: who is calling, unless `token` is empty, and the current trace."""
    carried = (("authorization", f"Bearer {token}"),) if token else ()
    traceparent = current_traceparent()
    return (*carried, (TRACEPARENT, traceparent)) if traceparent else carried
