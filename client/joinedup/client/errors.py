"""What can go wrong for a caller of the platform, told apart by what the caller should do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

if TYPE_CHECKING:
    import httpx

_UNAVAILABLE: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in what was sent."""

    pointer: str
    """Where: a JSON pointer such as `/data/facts/multiple_birth`, or a field's path."""
    code: str
    """What: the platform's own stable code, such as `field_unknown`."""
    detail: str = ""
    """The same in a sentence."""


class ClientError(Exception):
    """Anything a call to the platform can end in besides its answer."""

    code: str = "failed"
    """What happened: the platform's own stable code where it gave one."""


class Refused(ClientError):
    """The platform said no, and would say no again to the same call."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int | None = None,
        errors: tuple[Fault, ...] = (),
        trace_id: str = "",
    ) -> None:
        where = ", ".join(f"{each.pointer} ({each.code})" for each in errors)
        super().__init__(f"{code}: {detail}" + (f": {where}" if where else ""))
        self.code = code
        self.detail = detail
        self.status = status
        self.errors = errors
        self.trace_id = trace_id

    @property
    def pointers(self) -> tuple[str, ...]:
        """Where the faults are."""
        return tuple(each.pointer for each in self.errors)


class Unavailable(ClientError):
    """The platform did not answer in the time given.

    What became of the call is unknown; the same call with the same ids may safely be made again.
    """

    def __init__(self, detail: str, *, code: str = "unavailable") -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def from_response(response: httpx.Response) -> Refused:
    """Read a refusal from a problem document, or from whatever came in its place."""
    try:
        document = response.json()
    except ValueError:
        document = None
    return from_problem(document, response.status_code)


def from_problem(document: object, status: int | None) -> Refused:
    """Read a refusal from what should be a problem document; `status` is HTTP's."""
    if not isinstance(document, dict):
        document = {}
    return Refused(
        str(document.get("code") or f"http_{status}"),
        str(document.get("detail") or document.get("title") or "the platform refused"),
        status=status,
        errors=tuple(
            Fault(
                str(each.get("pointer", "")),
                str(each.get("code", "")),
                str(each.get("detail", "")),
            )
            for each in document.get("errors") or ()
            if isinstance(each, dict)
        ),
        trace_id=str(document.get("trace_id") or ""),
    )


def reason_of(error: grpc.RpcError) -> str:
    """The platform's own code in a failed call; empty when there is none."""
    status = rpc_status.from_call(error)
    for detail in status.details if status is not None else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return ""


def faults_of(error: grpc.RpcError) -> tuple[Fault, ...]:
    """The faulty fields of a failed call."""
    status = rpc_status.from_call(error)
    found: list[Fault] = []
    for detail in status.details if status is not None else ():
        request = error_details_pb2.BadRequest()
        if detail.Unpack(request):
            found.extend(
                Fault(each.field, each.reason or each.description, each.description)
                for each in request.field_violations
            )
    return tuple(found)


def from_rpc(error: grpc.aio.AioRpcError) -> ClientError:
    """Read a failed call: worth another try, or refused."""
    reason = reason_of(error)
    if error.code() in _UNAVAILABLE:
        return Unavailable(error.details() or "no answer", code=reason or error.code().name.lower())
    return Refused(
        reason or error.code().name.lower(),
        error.details() or "the platform refused",
        errors=faults_of(error),
    )
