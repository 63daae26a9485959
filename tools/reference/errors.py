"""The page of errors: every code that a publisher may be answered with, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.events.domain import texts
from services.events.domain.errors import BodyMalformed
from services.events.entrypoints import openapi
from services.events.entrypoints.grpc_server.refusals import ENDINGS, STATUSES
from services.events.entrypoints.problems import ANSWERS
from tools.reference.markdown import code, page, table

if TYPE_CHECKING:
    from tools.reference.contracts import Contracts

_INTRODUCTION: Final = """\
A refusal is a problem document (RFC 9457): `code` is for programs, `detail` says what to do, and
`errors` names each fault of the event with its place (a JSON pointer), its code and what is
expected there. No part of it repeats what was sent. Every way in gives the same codes and the
same texts: HTTP, gRPC, an inbound topic's dead letters, `joinedup publish` and
`joinedup events check`."""
_REQUESTS: Final = """\
`again` says whether the same event may be sent again, unchanged: then wait as long as Retry-After
says, sign a new token and keep the id. It is counted once however often it comes. A code without a
status is met in dead letters only."""
_PLACES: Final = """\
Codes in `errors`, each with its place. Where all faults of an event share one code, it is the
problem's `code` too; otherwise that is `event_invalid`. The status is 422."""
_WORTH_TRYING: Final = frozenset({409, 429, 503})
# By the code where an error has one of its own, else by what HTTP answers.
_BY_CODE: Final = {
    **{kind.code: status for kind, status in STATUSES.items()},
    **ENDINGS,
    "oneof_required": STATUSES[BodyMalformed],
}
# What no call by gRPC can be refused for.
_NOT_IN_CALLS: Final = frozenset(
    {"attribute_repeated", "batch_not_a_list", "batch_too_long", "http_malformed"}
)
_BY_HTTP: Final = {ANSWERS[kind][0]: status for kind, status in reversed([*STATUSES.items()])}


def text(_contracts: Contracts) -> str:
    """The page."""
    return page(
        "Errors",
        _INTRODUCTION,
        "## The request",
        _REQUESTS,
        table(("code", "HTTP", "gRPC", "again", "what it means, and what to do"), _requests()),
        "## The event",
        _PLACES,
        table(
            ("code", "the value there…"),
            ((code(each), texts.PLACE[each]) for each in sorted(texts.PLACE)),
        ),
    )


def _requests() -> list[tuple[str, str, str, str, str]]:
    statuses: dict[str, set[int]] = {}
    for route in (openapi.PUBLISH, openapi.FOLLOW, openapi.READ_TYPE):
        for status, names in route.items():
            for name in names:
                statuses.setdefault(name, set()).add(status)
    return [
        (
            code(name),
            ", ".join(map(str, sorted(statuses.get(name, ())))),
            _grpc_status(name, statuses.get(name, set())),
            "yes" if statuses.get(name, set()) & _WORTH_TRYING else "",
            told,
        )
        for name, told in sorted(texts.REQUEST.items())
    ]


def _grpc_status(name: str, http: set[int]) -> str:
    if name in _NOT_IN_CALLS:
        return ""
    found = [_BY_CODE[name]] if name in _BY_CODE else [_BY_HTTP[s] for s in http if s in _BY_HTTP]
    return found[0].name if found else ""
