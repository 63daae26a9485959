"""Errors of the domain as gRPC statuses: one table, beside the one of HTTP, with its words."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from grpc import StatusCode

from joinedup.events.v1 import life_events_pb2 as pb
from services.events.domain import texts
from services.events.domain.admission import Assertion
from services.events.domain.errors import (
    BasisNotYours,
    BodyMalformed,
    EventInvalid,
    EventNotFound,
    EventsError,
    FenceOutstanding,
    IdempotencyMismatch,
    IdentityUnavailable,
    InProgress,
    LogUnavailable,
    Mistaken,
    NotAuthenticated,
    RateExceeded,
    Refused,
    ScopeDenied,
    StoreUnavailable,
    TooLarge,
)
from services.events.entrypoints.problems import audit, problem_of
from services.events.entrypoints.publishing import Publishing
from services.kit.rpc import RpcRefused, authorization_of

SERVICE: Final[str] = pb.DESCRIPTOR.services_by_name["LifeEvents"].full_name

STATUSES: Final[Mapping[type[EventsError], StatusCode]] = {
    NotAuthenticated: StatusCode.UNAUTHENTICATED,
    BodyMalformed: StatusCode.INVALID_ARGUMENT,
    TooLarge: StatusCode.RESOURCE_EXHAUSTED,
    ScopeDenied: StatusCode.PERMISSION_DENIED,
    BasisNotYours: StatusCode.PERMISSION_DENIED,
    EventInvalid: StatusCode.INVALID_ARGUMENT,
    IdempotencyMismatch: StatusCode.ALREADY_EXISTS,
    EventNotFound: StatusCode.NOT_FOUND,
    InProgress: StatusCode.ABORTED,
    RateExceeded: StatusCode.RESOURCE_EXHAUSTED,
    StoreUnavailable: StatusCode.UNAVAILABLE,
    IdentityUnavailable: StatusCode.UNAVAILABLE,
    FenceOutstanding: StatusCode.UNAVAILABLE,
    LogUnavailable: StatusCode.UNAVAILABLE,
    Mistaken: StatusCode.INTERNAL,
}
# What only a stream can be told.
ENDINGS: Final[Mapping[str, StatusCode]] = {
    "message_too_long": StatusCode.INVALID_ARGUMENT,
    "number_out_of_order": StatusCode.INVALID_ARGUMENT,
    "stopping": StatusCode.UNAVAILABLE,
    "too_many_streams": StatusCode.RESOURCE_EXHAUSTED,
}


@dataclass
class Call:
    """One call of an RPC, as its audit line names it; nobody is believed yet."""

    method: str
    publisher: str = ""

    def believe(self, around: Publishing, context: Any) -> Assertion:
        """Who is calling; raises NotAuthenticated."""
        assertion = around.believe(authorization_of(context))
        self.publisher = assertion.publisher
        return assertion

    def audit(self, reason: str) -> None:
        """Write the audit line of a refusal, if it is of those that have one."""
        audit(reason, publisher=self.publisher, route=f"{SERVICE}/{self.method}")


@contextmanager
def refusals(method: str) -> Iterator[Call]:
    """Turn the domain's errors into refused calls."""
    call = Call(method)
    try:
        yield call
    except EventsError as error:
        call.audit(error.reason)
        raise refusal_of(error) from None


def refusal_of(error: EventsError) -> RpcRefused:
    """The answer to an error, with the code and the words that HTTP has for it."""
    problem = problem_of(error)
    return RpcRefused(
        STATUSES[type(error)],
        problem.code,
        problem.detail,
        [(each["pointer"], each["code"], each["detail"]) for each in problem.errors],
        retry_after_seconds=_wait(problem.headers),
    )


def refusal_in_stream(error: EventsError) -> pb.Refusal:
    """The same as the answer to one event of a stream."""
    problem = problem_of(error)
    return pb.Refusal(
        code=problem.code,
        detail=problem.detail,
        faults=[pb.EventFault(**each) for each in problem.errors],
        try_again=not isinstance(error, Refused),
        retry_after_seconds=_wait(problem.headers),
    )


def stream_ends(code: str) -> RpcRefused:
    """Why a stream ends, or does not begin."""
    return RpcRefused(ENDINGS[code], code, texts.REQUEST[code])


def _wait(headers: Mapping[str, str]) -> int:
    return int(headers.get("retry-after", 0))
