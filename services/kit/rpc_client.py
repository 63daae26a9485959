"""Calls to other services: a deadline, a token and the trace on every one of them."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final, Self

import grpc
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind

from services.kit.rpc_server import rpc_attributes
from services.kit.telemetry import TRACEPARENT, current_traceparent, fail, tracer

OPTIONS: Final = (
    # A restarted server is found again within seconds, not minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    # Also how long a connection may take to be made: a busy server needs its time.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.enable_http_proxy", 0),
)


def connect(
    target: str,
    *,
    token: Callable[[], str] | None = None,
    default_deadline_seconds: float = 5.0,
) -> grpc.aio.Channel:
    """A channel to another service.

    `token` answers the bearer token of a call; a call that brings its own `authorization` keeps
    it. A call without a timeout gets the default deadline.
    """
    return _Channel(grpc.aio.insecure_channel(target, OPTIONS), token, default_deadline_seconds)


class _Channel(grpc.aio.Channel):
    """A channel whose multi-callables add what every call needs.

    Not interceptors: theirs hand back a generator in place of a stream's call object, and so lose
    `cancel` and the metadata.
    """

    def __init__(
        self, inner: grpc.aio.Channel, token: Callable[[], str] | None, deadline: float
    ) -> None:
        self._inner = inner
        self._token = token
        self._deadline = deadline
        self._ending: set[asyncio.Task[None]] = set()

    def unary_unary(self, method: str, *arguments: Any, **named: Any) -> Any:
        return self._wrap(method, self._inner.unary_unary(method, *arguments, **named))

    def unary_stream(self, method: str, *arguments: Any, **named: Any) -> Any:
        return self._wrap(method, self._inner.unary_stream(method, *arguments, **named))

    def stream_unary(self, method: str, *arguments: Any, **named: Any) -> Any:
        return self._wrap(method, self._inner.stream_unary(method, *arguments, **named))

    def stream_stream(self, method: str, *arguments: Any, **named: Any) -> Any:
        return self._wrap(method, self._inner.stream_stream(method, *arguments, **named))

    async def close(self, grace: float | None = None) -> None:
        await self._inner.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # noqa: FBT001, FBT002  # gRPC's signature
        return self._inner.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._inner.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._inner.channel_ready()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_raised: object) -> None:
        await self.close()

    def _wrap(self, method: str, inner: Any) -> Any:
        def call(
            *request: Any, timeout: float | None = None, metadata: Any = None, **named: Any
        ) -> Any:
            current = tracer(__name__).start_span(
                method.removeprefix("/"),
                kind=SpanKind.CLIENT,
                attributes={**rpc_attributes(method), "peer.service": _owner(method)},
            )
            with trace.use_span(current, record_exception=False, set_status_on_exception=False):
                outgoing = self._outgoing(list(metadata or ()))
            started = inner(
                *request,
                timeout=self._deadline if timeout is None else timeout,
                metadata=tuple(outgoing),
                **named,
            )
            started.add_done_callback(lambda ended: self._end(current, ended))
            return started

        return call

    def _outgoing(self, metadata: list[tuple[str, str | bytes]]) -> list[tuple[str, str | bytes]]:
        if self._token is not None and all(name != "authorization" for name, _ in metadata):
            metadata.append(("authorization", f"Bearer {self._token()}"))
        traceparent = current_traceparent()
        return [*metadata, (TRACEPARENT, traceparent)] if traceparent else metadata

    def _end(self, current: Span, ended: Any) -> None:
        # The status is there, but only a coroutine may ask for it.
        task = asyncio.get_running_loop().create_task(_end_span(current, ended))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _end_span(current: Span, ended: Any) -> None:
    code = await ended.code()
    current.set_attribute("rpc.grpc.status_code", code.value[0])
    if code is not grpc.StatusCode.OK:
        fail(current, code.name.lower())
    current.end()


def _owner(method: str) -> str:
    """The service a method belongs to: the word before the version in its package."""
    parts = method.removeprefix("/").partition("/")[0].split(".")
    for before, part in pairwise(parts):
        if part[:1] == "v" and part[1:].isdigit():
            return before
    return parts[0]
