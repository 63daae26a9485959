"""The description of the HTTP interface: with the catalogue's own schemas and examples in it."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.events.domain import texts
from services.events.entrypoints.documents import ProblemDocument
from services.events.ports import Register
from services.kit.problem import MEDIA_TYPE

STRUCTURED: Final = "application/cloudevents+json"

DESCRIPTION: Final = """Departments publish life events here, one CloudEvents 1.0 event a request.

An event that was answered with 202 is not lost. An answer that did not arrive is no reason to
worry: send the same event again, with a new token and the same `id`, as often as it takes.
"""

_REF: Final = "#/components/schemas/{model}"

_CALLER: Final = """A JWT, signed (ES256) with the publisher's own key, typ `publisher+jwt`, \
with `iss` (the publisher's id), `aud` (`joinedup-events`), `iat`, `exp` (at most 300 seconds \
later) and a `jti` that is never used again. Every request has a token of its own."""

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
    "token_expired",
    "token_not_yet",
    "clock_skew",
    "token_lifetime",
    "assertion_replayed",
)
READING: Final = (
    "body_empty",
    "json_invalid",
    "json_trailing",
    "json_duplicate_key",
    "json_number",
    "json_depth",
    "text_encoding",
)
_EVENT: Final = ("event_invalid", "idempotency_mismatch", *sorted(texts.PLACE))
_AWAY: Final = ("log_unavailable", "identity_unavailable", "fence_outstanding", "store_unavailable")

PUBLISH: Final[Codes] = {
    400: READING,
    401: AUTHENTICATION,
    403: ("scope_denied",),
    408: ("read_timeout",),
    409: ("idempotency_in_progress",),
    413: ("body_too_large",),
    415: ("media_type", "encoding_unsupported"),
    422: _EVENT,
    431: ("header_too_large",),
    503: _AWAY,
}
FOLLOW: Final[Codes] = {401: AUTHENTICATION, 404: ("not_found",), 503: ("store_unavailable",)}
READ_TYPE: Final[Codes] = {404: ("not_found",)}


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
            examples[short] = {"summary": event_type.entry["title"]["en"], "value": value}
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
        "description": "One life event, at most 64 KiB.",
        "content": {STRUCTURED: {"schema": {"oneOf": one_of}, "examples": examples}},
    }
    return document


def _problem(status: int, codes: tuple[str, ...]) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if status in {409, 503}:
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
