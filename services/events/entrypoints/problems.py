"""Errors of the domain as HTTP answers: one table, and the audit line of what looks like abuse."""

import math
from collections.abc import Mapping
from typing import Final

from services.events.domain import texts
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
    ScopeDenied,
    StoreUnavailable,
    TooLarge,
)
from services.kit.problem import ProblemError
from services.kit.telemetry import log

# Status, title, and after how many seconds to ask again.
ANSWERS: Final[Mapping[type[EventsError], tuple[int, str, int | None]]] = {
    NotAuthenticated: (401, "The caller is not believed", None),
    BodyMalformed: (400, "The body cannot be read", None),
    TooLarge: (413, "Too much at once", None),
    ScopeDenied: (403, "Not yours to publish", None),
    BasisNotYours: (403, "Not yours to say", None),
    EventInvalid: (422, "The event breaks the rules of its type", None),
    IdempotencyMismatch: (422, "The id stands for another event", None),
    EventNotFound: (404, "No such event", None),
    InProgress: (409, "The event is being admitted", 1),
    RateExceeded: (429, "Too many events", 1),
    StoreUnavailable: (503, "The event could not be admitted now", 2),
    IdentityUnavailable: (503, "The event could not be admitted now", 2),
    FenceOutstanding: (503, "The event could not be admitted yet", 2),
    LogUnavailable: (503, "The event could not be admitted now", 3),
    Mistaken: (500, "Something went wrong on our side", None),
}

# Refusals that an honest publisher rarely meets, and an attacker always.
AUDITED: Final = frozenset(
    {
        "assertion_replayed",
        "basis_not_yours",
        "scope_denied",
        "token_alg",
        "token_audience",
        "token_binding",
        "token_crit",
        "token_missing",
    }
)

AUDIT: Final = "services.events.audit"


def problem_of(error: EventsError) -> ProblemError:
    """The answer to an error; no part of it was sent by the caller."""
    status, title, retry_after = ANSWERS[type(error)]
    if isinstance(error, RateExceeded):
        retry_after = math.ceil(error.wait_seconds)
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    if isinstance(error, NotAuthenticated):
        headers["www-authenticate"] = "Bearer"
    faults = error.faults if isinstance(error, EventInvalid) else ()
    return ProblemError(
        status,
        error.reason,
        title,
        _detail(error),
        errors=[
            {"pointer": each.pointer, "code": each.code, "detail": each.detail} for each in faults
        ],
        headers=headers,
    )


def audit(code: str, *, publisher: str, route: str) -> None:
    """Write the audit line; `publisher` is empty while nobody's signature was believed."""
    if code in AUDITED:
        fields = {"code": code, "publisher": publisher, "route": route}
        log(AUDIT).warning("request refused", extra=fields)


def _detail(error: EventsError) -> str:
    text = texts.REQUEST.get(error.reason) or texts.REQUEST["event_invalid"]
    if isinstance(error, BodyMalformed) and error.offset is not None:
        return f"{text} Noticed at byte {error.offset}."
    return text
