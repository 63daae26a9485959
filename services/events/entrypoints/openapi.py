"""The description of the HTTP interface: with the catalogue's own schemas and examples in it."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.events.domain import texts
from services.events.entrypoints.cloudevents_http import BATCH, BINARY, MAX_BATCH, STRUCTURED
from services.events.entrypoints.documents import ProblemDocument
from services.events.ports import Register
from services.kit.problem import MEDIA_TYPE

BATCH_ANSWER: Final = "The answer to a batch: one result an event, in their order"
_MAX_NAMED: Final = 3

DESCRIPTION: Final = """Departments publish life events here as CloudEvents 1.0: one a request \
(structured or binary mode) or up to 500 (a batch).

An event that was answered with 202 is not lost. An answer that did not arrive is no reason to
worry: send the same event again, with a new token and the same `id`, as often as it takes.
"""

_REF: Final = "#/components/schemas/{model}"

_CALLER: Final = """A JWT, signed (ES256) with the publisher's own key, typ `publisher+jwt`, \
with `iss` (the publisher's id), `aud` (`joinedup-events`), `iat`, `exp` (at most 300 seconds \
later) and a `jti` that is never used again. Every request has a token of its own. A `scope` \
(names of event types, one space between them) narrows what it may publish."""

_BODY: Final = """One life event of at most 64 KiB, or a batch of at most 500 events and 4 MiB. In \
binary mode the body is the event's data, and its attributes are headers."""

_ATTRIBUTES: Final = [
    {
        "name": f"ce-{name}",
        "in": "header",
        "required": False,
        "description": f"Binary mode only: {meaning}",
        "schema": {"type": "string"},
    }
    for name, meaning in {
        "specversion": "1.0; its being there is what makes it binary mode.",
        "id": "the source's own id of the event.",
        "source": "URN of the system that speaks.",
        "type": "the event's type.",
        "time": "when the source sent it (RFC 3339).",
    }.items()
]

SECURED: Final[dict[str, Any]] = {"security": [{"publisher": []}]}

Codes = Mapping[int, tuple[str, ...]]

AUTHENTICATION: Final = (
    "token_missing",
    "token_malformed",
    "token_alg",
    "token_crit",
    "token_type",
    "token_key",
    "token_audience",
    "token_binding",
    "token_expired",
    "token_not_yet",
    "clock_skew",
    "token_lifetime",
    "invalid_scope",
    "assertion_replayed",
)
READING: Final = (
    "body_empty",
    "attribute_repeated",
    "batch_not_a_list",
    "json_invalid",
    "json_trailing",
    "json_duplicate_key",
    "json_number",
    "json_depth",
    "text_encoding",
)
_EVENT: Final = ("event_invalid", "idempotency_mismatch", *sorted(texts.PLACE))
_AWAY: Final = ("log_unavailable", "identity_unavailable", "fence_outstanding", "store_unavailable")
# Before anybody looks at what is asked, and by whom.
_ANY: Final[Codes] = {
    400: ("http_malformed",),
    414: ("address_too_long",),
    421: ("misdirected",),
    431: ("header_too_large",),
    503: ("busy",),
}


def _and_any(codes: Codes) -> Codes:
    statuses = sorted({*codes, *_ANY})
    return {each: (*codes.get(each, ()), *_ANY.get(each, ())) for each in statuses}


PUBLISH: Final = _and_any(
    {
        400: READING,
        401: AUTHENTICATION,
        403: ("scope_denied", "basis_not_yours"),
        408: ("read_timeout",),
        409: ("idempotency_in_progress",),
        413: ("body_too_large", "batch_too_long"),
        415: ("media_type", "encoding_unsupported"),
        422: _EVENT,
        429: ("rate_limited",),
        500: ("internal",),
        503: _AWAY,
    }
)
FOLLOW: Final = _and_any({401: AUTHENTICATION, 404: ("not_found",), 503: ("store_unavailable",)})
READ_TYPE: Final = _and_any({404: ("not_found",)})


def responses(codes: Codes) -> dict[int | str, dict[str, Any]]:
    """The problems that a route answers with, by status."""
    return {status: _problem(status, each) for status, each in codes.items()}


def describe(app: FastAPI, register: Register) -> dict[str, Any]:
    """The whole description, with the types as they are in force now."""
    document = get_openapi(
        title="Joined-Up: events", version="1", description=DESCRIPTION, routes=app.routes
    )
    problem = ProblemDocument.model_json_schema(ref_template=_REF)
    schemas: dict[str, Any] = {**problem.pop("$defs"), "ProblemDocument": problem}
    one_of = []
    examples: dict[str, Any] = {}
    for event_type in register.event_types():
        schemas[event_type.name] = dict(register.schema(event_type))
        one_of.append({"$ref": _REF.format(model=event_type.name)})
        for name, value in zip(event_type.examples, register.examples(event_type), strict=True):
            short = name.rpartition("/")[2].removesuffix(".json")
            examples[short] = {"summary": event_type.entry["title"]["en"], "value": dict(value)}
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(schemas)
    components["securitySchemes"] = {
        "publisher": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": _CALLER,
        }
    }
    document["paths"]["/v1/events"]["post"]["requestBody"] = {
        "required": True,
        "description": _BODY,
        "content": {
            STRUCTURED: {"schema": {"oneOf": one_of}, "examples": examples},
            BATCH: {"schema": _batch(one_of), "examples": _batches(examples)},
            BINARY: {"schema": _binary(), "examples": _data_of(examples)},
        },
    }
    document["paths"]["/v1/events"]["post"]["parameters"] = _ATTRIBUTES
    return document


def _batch(one_of: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "array", "maxItems": MAX_BATCH, "items": {"oneOf": one_of}}


def _batches(examples: Mapping[str, Any]) -> dict[str, Any]:
    several = [each["value"] for each in list(examples.values())[:_MAX_NAMED]]
    return {"several": {"summary": "Several events at once", "value": several}}


def _binary() -> dict[str, Any]:
    return {"type": "object", "description": "The event's data; the rest is in ce- headers."}


def _data_of(examples: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"summary": each["summary"], "value": each["value"]["data"]}
        for name, each in examples.items()
    }


def _problem(status: int, codes: tuple[str, ...]) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if status in {409, 429, 503}:
        headers["Retry-After"] = {"schema": {"type": "integer"}, "description": "seconds"}
    return {
        "description": f"One of: {', '.join(codes)}",
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/ProblemDocument"},
                "examples": {code: {"value": _example(status, code)} for code in codes[:3]},
            }
        },
        **({"headers": headers} if headers else {}),
    }


def _example(status: int, code: str) -> dict[str, Any]:
    return {
        "type": f"urn:joinedup:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": texts.REQUEST.get(code, code.replace("_", " ")),
        "errors": [],
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
    }
