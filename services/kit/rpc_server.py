"""The door of a gRPC server: every call is traced, has a deadline, a known caller and a status."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind

from services.kit.access import AccessTable
from services.kit.rpc_status import RpcRefused, wire_status
from services.kit.service_tokens import Caller, TokenRefused, TokenVerifier
from services.kit.telemetry import TRACEPARENT, context_from, fail, log, tracer

MAX_DEADLINE_SECONDS: Final = 30 * 60 + 30.0
# How long the news of its end may take to a caller who does not read.
GOODBYE_SECONDS: Final = 2.0
OPEN_SERVICES: Final = ("/grpc.health.v1.Health/", "/grpc.reflection.")

# The statuses that are the server's fault; a refusal is not an error of the server's span.
_SERVER_FAULTS: Final = frozenset(
    {
        grpc.StatusCode.DATA_LOSS,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.UNKNOWN,
    }
)
Metadata = Mapping[str, str | bytes]

# What upb's only words for it hold; it has no error of its own for a message nested too deep.
_TOO_DEEP: Final = "MaxDepth"
_caller: ContextVar[Caller] = ContextVar("caller")


@dataclass(frozen=True)
class _Unreadable:
    """Stands for a message that cannot be read."""

    code: str


def caller_of(_context: Any = None) -> Caller:
    """Who makes the call that is being served; raises LookupError outside a call."""
    return _caller.get()


def authorization_of(context: Any) -> str | None:
    """The `authorization` of a call, for a service that believes its callers itself."""
    return _text(_first_of_each(context.invocation_metadata()), "authorization") or None


class Door(grpc.aio.ServerInterceptor):
    """Around every RPC: span, deadline, caller, table, servicer; errors become statuses.

    Without a verifier nobody's token is believed: for a server whose table asks for none.
    """

    def __init__(self, access: AccessTable, verifier: TokenVerifier | None) -> None:
        self._access = access
        self._verifier = verifier

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The RPC's handler, behind the door; health and reflection stand before it."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.startswith(OPEN_SERVICES):
            return handler
        behaviour = _behaviour(handler)
        serve = self._streaming if handler.response_streaming else self._unary
        # Read once: gRPC makes these anew each time they are asked for.
        metadata = _first_of_each(handler_call_details.invocation_metadata)
        return _KINDS[handler.request_streaming, handler.response_streaming](
            serve(method, metadata, behaviour),
            request_deserializer=_total(handler.request_deserializer),
            response_serializer=handler.response_serializer,
        )

    def _unary(self, method: str, metadata: Metadata, behaviour: Any) -> Any:
        async def serve(request: Any, context: Any) -> Any:
            with _server_span(method, metadata) as current:
                try:
                    self._admit(method, metadata, context)
                    return await behaviour(_readable(request), context)
                except Exception as raised:  # noqa: BLE001  # every error leaves as a status
                    await _abort(raised, method, context, current)

        return serve

    def _streaming(self, method: str, metadata: Metadata, behaviour: Any) -> Any:
        # A coroutine that writes, not a generator: a cancelled generator is closed in another
        # task, where its span could no longer be detached.
        async def serve(request: Any, context: Any) -> None:
            with _server_span(method, metadata) as current:
                try:
                    self._admit(method, metadata, context)
                    if not inspect.isasyncgenfunction(behaviour):
                        await behaviour(_readable(request), context)
                        return
                    async with aclosing(behaviour(_readable(request), context)) as responses:
                        async for response in responses:
                            await context.write(response)
                except Exception as raised:  # noqa: BLE001  # every error leaves as a status
                    await _abort(raised, method, context, current)

        return serve

    def _admit(self, method: str, metadata: Metadata, context: Any) -> None:
        remaining = context.time_remaining()
        if remaining is None:
            raise RpcRefused(grpc.StatusCode.INVALID_ARGUMENT, "deadline_required")
        if remaining > MAX_DEADLINE_SECONDS:
            raise RpcRefused(grpc.StatusCode.INVALID_ARGUMENT, "deadline_too_long")
        caller = Caller()
        if self._verifier is not None and self._access.needs_token(method):
            try:
                caller = self._verifier.verify(_bearer(metadata))
            except TokenRefused as refused:
                raise RpcRefused(grpc.StatusCode.UNAUTHENTICATED, refused.code) from None
        if not self._access.permits(method, caller):
            raise RpcRefused(grpc.StatusCode.PERMISSION_DENIED, "caller_not_allowed")
        _caller.set(caller)


_KINDS: Final[dict[tuple[bool, bool], Any]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def rpc_attributes(method: str) -> dict[str, str]:
    """A call's span attributes, from its full method name."""
    service, _, name = method.removeprefix("/").rpartition("/")
    return {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}


def _behaviour(handler: Any) -> Any:
    return (
        handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    )


def _total(deserializer: Any) -> Callable[[bytes], Any]:
    """A deserializer that answers why it cannot instead of raising: gRPC would say INTERNAL."""

    def read(raw: bytes) -> Any:
        try:
            return deserializer(raw)
        except (DecodeError, ValueError) as error:
            return _Unreadable("payload_depth" if _TOO_DEEP in str(error) else "payload_malformed")

    return read


def _readable(request: Any) -> Any:
    if hasattr(request, "__aiter__"):
        return _each_readable(request)
    if isinstance(request, _Unreadable):
        raise RpcRefused(grpc.StatusCode.INVALID_ARGUMENT, request.code)
    return request


async def _each_readable(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        yield _readable(request)


def _first_of_each(metadata: Any) -> Metadata:
    return dict(reversed(metadata or ()))


def _bearer(metadata: Metadata) -> str | None:
    scheme, _, token = _text(metadata, "authorization").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _text(metadata: Metadata, name: str) -> str:
    value = metadata.get(name, "")
    return value if isinstance(value, str) else ""


@contextmanager
def _server_span(method: str, metadata: Metadata) -> Iterator[Span]:
    parent = context_from(_text(metadata, TRACEPARENT))
    attributes = rpc_attributes(method)
    with tracer(__name__).start_as_current_span(
        method.removeprefix("/"),
        context=parent,
        kind=SpanKind.SERVER,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        current.set_attribute("rpc.grpc.status_code", grpc.StatusCode.OK.value[0])
        try:
            yield current
        except asyncio.CancelledError:
            current.set_attribute("rpc.grpc.status_code", grpc.StatusCode.CANCELLED.value[0])
            raise


async def _abort(raised: Exception, method: str, context: Any, current: Span) -> None:
    """End the call with the error's status."""
    if isinstance(raised, grpc.aio.AbortError):
        current.set_attribute("rpc.grpc.status_code", context.code().value[0])
        raise raised
    refused, trace_id = raised, ""
    if not isinstance(refused, RpcRefused):
        log(__name__).error("rpc failed", exc_info=raised, extra={"method": method})
        trace_id = trace.format_trace_id(current.get_span_context().trace_id)
        refused = RpcRefused(grpc.StatusCode.INTERNAL, "internal")
    current.set_attribute("rpc.grpc.status_code", refused.status.value[0])
    current.set_attribute("joinedup.reason", refused.code)
    if refused.status in _SERVER_FAULTS:
        fail(current, refused.code)
    await end_call(wire_status(refused, trace_id), context)


async def end_call(status: Any, context: Any) -> None:
    """End a call with its status, without waiting for ever behind answers that nobody reads.

    The status is on its way when the wait ends; it arrives behind what was written before.
    """
    ending = asyncio.ensure_future(context.abort_with_status(status))
    try:
        await asyncio.wait({ending}, timeout=GOODBYE_SECONDS)
        if ending.done():
            await ending
    finally:
        ending.cancel()
    # gRPC takes only its own AbortError for an end, and that one has not come yet.
    raise asyncio.CancelledError
