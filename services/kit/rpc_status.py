"""Errors of calls: a status, a code a program can read, and the fields concerned. No values."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Any, Final, NamedTuple, TypeVar

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

DOMAIN: Final = "joinedup"
DETAILS_KEY: Final = "grpc-status-details-bin"
# Clients take 8 KiB of trailing metadata, where these bytes are a third longer.
MAX_FIELDS_BYTES: Final = 4 * 1024

F = TypeVar("F", bound=Callable[..., Any])
Field = tuple[str, str]
# A mapping's keys are invariant, so that a table of one domain's errors needs the wider type.
ErrorTable = Mapping[type[Any], tuple[grpc.StatusCode, str]]


class RpcRefused(Exception):
    """A call is refused; `code` is lower snake case.

    `fields` are (path, code) pairs, or triples with a sentence; `retry_after_seconds` is 0 where
    waiting changes nothing.
    """

    def __init__(
        self,
        status: grpc.StatusCode,
        code: str,
        detail: str = "",
        fields: Sequence[Field | tuple[str, str, str]] = (),
        *,
        retry_after_seconds: int = 0,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail or code.replace("_", " ")
        self.fields = tuple(fields)
        self.retry_after_seconds = retry_after_seconds


class WireStatus(NamedTuple):
    """What `abort_with_status` takes."""

    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, bytes], ...]


def wire_status(refused: RpcRefused, trace_id: str = "") -> Any:
    """The refusal as a rich gRPC status."""
    info = error_details_pb2.ErrorInfo(reason=refused.code, domain=DOMAIN)
    if trace_id:
        info.metadata["trace_id"] = trace_id
    details = [_packed(info)]
    if refused.fields:
        details.append(_packed(_bad_request(refused)))
    if refused.retry_after_seconds:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromSeconds(refused.retry_after_seconds)
        details.append(_packed(retry))
    number: int = code_pb2.Code.Value(refused.status.name)
    status = status_pb2.Status(code=number, message=refused.detail, details=details)
    return WireStatus(refused.status, refused.detail, ((DETAILS_KEY, status.SerializeToString()),))


def reason_of(error: grpc.RpcError) -> str | None:
    """The code of a refused call (`ErrorInfo.reason`); None when the server gave none."""
    info = details_of(error, error_details_pb2.ErrorInfo)
    return str(info.reason) if info is not None else None


def fields_of(error: grpc.RpcError) -> list[Field]:
    """The fields a refused call complained about, as (path, code) pairs."""
    bad = details_of(error, error_details_pb2.BadRequest)
    return [(each.field, each.reason) for each in bad.field_violations] if bad is not None else []


def details_of(error: grpc.RpcError, kind: type[Any]) -> Any:
    """What a refused call tells in one kind of message, such as RetryInfo; None when nothing."""
    for detail in _details(error):
        found = kind()
        if detail.Unpack(found):
            return found
    return None


class map_errors:  # noqa: N801  # reads as a verb at `with` and as a decorator
    """Turn a domain's errors into refusals, by one table.

    `with map_errors(TABLE): …`, or as a decorator of an async method or async generator. The most
    specific class in the table wins.
    """

    def __init__(self, table: ErrorTable) -> None:
        self._table = table

    def __enter__(self) -> None:
        """Begin watching."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Refuse what the table names; let everything else pass."""
        for each in kind.__mro__ if kind is not None else ():
            if each in self._table:
                status, code = self._table[each]
                raise RpcRefused(status, code) from raised

    def __call__(self, method: F) -> F:
        """The method with its errors mapped."""
        if inspect.isasyncgenfunction(method):

            @functools.wraps(method)
            async def generate(*arguments: Any, **named: Any) -> Any:
                with self:
                    async with aclosing(method(*arguments, **named)) as responses:
                        async for each in responses:
                            yield each

            return generate  # type: ignore[return-value]  # same signature, by wraps

        @functools.wraps(method)
        async def call(*arguments: Any, **named: Any) -> Any:
            with self:
                return await method(*arguments, **named)

        return call  # type: ignore[return-value]  # same signature, by wraps


def _bad_request(refused: RpcRefused) -> Any:
    """The fields concerned, as far as there is room for them."""
    bad = error_details_pb2.BadRequest()
    for path, code, *sentence in refused.fields:
        bad.field_violations.add(field=path, reason=code, description=(sentence or [code])[0])
        if bad.ByteSize() > MAX_FIELDS_BYTES:
            del bad.field_violations[-1]
            break
    return bad


def _packed(message: Any) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def _details(error: grpc.RpcError) -> Sequence[any_pb2.Any]:
    metadata: Any = error.trailing_metadata()
    for key, value in metadata or ():
        if key == DETAILS_KEY:
            details: Sequence[any_pb2.Any] = status_pb2.Status.FromString(value).details
            return details
    return ()
