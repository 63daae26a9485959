"""The JSON Schema of a whole event of one type: what is checked is what a developer can read."""

from typing import Any, Final

from services.events.domain.event_type import EventType, Role
from services.events.domain.faults import CODE
from services.events.domain.life_event import CORRECTING, NameKind, Reason

MAX_PERSONS: Final = 20
MAX_ID: Final = 128
MAX_TEXT: Final = 200
MAX_OTHER_NAMES: Final = 10
# The largest integer every JSON reader carries exactly.
MAX_SEQUENCE: Final = 2**53 - 1

_SCHEMES: Final = ("nino", "nhs-number", "driver-number", "utr")
_ID: Final = {"type": "string", "minLength": 1, "maxLength": MAX_ID}
_INSTANT: Final = {
    "type": "string",
    "format": "date-time",
    "description": "RFC 3339 with seconds and a zone, from 1900 until now",
}
_PARTIAL_DATE: Final = {
    "type": "string",
    "format": "partial-date",
    "description": "2026, 2026-11 or 2026-11-18, as precise as the register is",
}


def schema_of(event_type: EventType) -> dict[str, Any]:
    """The schema (2020-12) of the CloudEvent that a publisher sends."""
    required = ["specversion", "id", "source", "type", "time", "data"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": event_type.entry["title"]["en"],
        "description": event_type.entry["description"],
        **_object(required),
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**_ID, "description": "the source's own id, the same at every retry"},
            "source": {**_ID, "description": "URN of the system that speaks"},
            "type": {"const": event_type.name},
            "time": {**_INSTANT, "description": "when the source sent it; " + _when()},
            "datacontenttype": {"const": "application/json"},
            "data": _data(event_type),
        },
    }


def _when() -> str:
    return str(_INSTANT["description"])


def _data(event_type: EventType) -> dict[str, Any]:
    corrects = {"properties": {"reason": {"enum": sorted(CORRECTING)}}, "required": ["reason"]}
    first = {"properties": {"reason": {"const": Reason.REGISTERED}}, "required": ["reason"]}
    forbidden = {"not": {}, CODE: "supersedes_not_allowed"}
    return {
        **_object(["occurred", "registered_at", "nation", "reason", "persons", "facts"]),
        "properties": {
            "occurred": {
                **_PARTIAL_DATE,
                "description": f"when it happened: {_PARTIAL_DATE['description']}",
            },
            "registered_at": {
                **_INSTANT,
                "description": f"when the register wrote this statement down; {_when()}",
            },
            "nation": {"enum": list(event_type.nations), "description": "whose law applies"},
            "reason": {"enum": [str(each) for each in Reason]},
            "supersedes": {**_ID, "description": "your id of the event this one replaces"},
            "sequence": {
                "type": "integer",
                "minimum": 0,
                "maximum": MAX_SEQUENCE,
                "description": "the register's own order of its statements about the same fact",
            },
            "persons": _persons(event_type),
            "facts": dict(event_type.facts),
        },
        "allOf": [
            {"if": corrects, "then": {"required": ["supersedes"]}},
            {"if": first, "then": {"properties": {"supersedes": forbidden}}},
        ],
    }


def _persons(event_type: EventType) -> dict[str, Any]:
    required = [role.name for role in event_type.roles.values() if role.required]
    return {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_PERSONS,
        "description": "each role at most once",
        "items": _person(event_type),
        "allOf": [{"contains": _in_role(name), CODE: "role_missing"} for name in required],
    }


def _person(event_type: EventType) -> dict[str, Any]:
    return {
        **_object(["role"]),
        "properties": {
            "role": {"enum": list(event_type.roles), CODE: "role_unknown"},
            "identifiers": {"type": "array", "maxItems": len(_SCHEMES), "items": _identifier()},
            "name": {**_object([]), "minProperties": 1, "properties": _name()},
            "other_names": {
                "type": "array",
                "maxItems": MAX_OTHER_NAMES,
                "description": "names the person had, or is known by besides",
                "items": _other_name(),
            },
            "birth_date": _PARTIAL_DATE,
            "postcode": {"type": "string", "format": "postcode", "description": "CF10 1AA"},
            "sex": {"enum": ["F", "M"]},
        },
        "allOf": [_declared(role) for role in event_type.roles.values()],
    }


def _name() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
    return {"given": {"type": "array", "maxItems": MAX_PERSONS, "items": text}, "family": text}


def _other_name() -> dict[str, Any]:
    either = [{"required": ["given"]}, {"required": ["family"]}]
    return {
        **_object(["kind"]),
        "properties": {"kind": {"enum": [str(kind) for kind in NameKind]}, **_name()},
        "allOf": [{"anyOf": either, CODE: "name_missing"}],
    }


def _identifier() -> dict[str, Any]:
    return {
        **_object(["scheme", "value"]),
        "properties": {"scheme": {"type": "string"}, "value": {"type": "string"}},
        "allOf": [
            {
                "if": {"properties": {"scheme": {"const": scheme}}, "required": ["scheme"]},
                "then": {"properties": {"value": {"format": scheme}}},
            }
            for scheme in _SCHEMES
        ],
    }


def _declared(role: Role) -> dict[str, Any]:
    """In this role, only the schemes that the type declares for it."""
    if role.identifiers:
        scheme = {"enum": list(role.identifiers), CODE: "identifier_not_declared"}
        allowed: dict[str, Any] = {"items": {"properties": {"scheme": scheme}}}
    else:
        allowed = {"maxItems": 0, CODE: "identifier_not_declared"}
    return {"if": _in_role(role.name), "then": {"properties": {"identifiers": allowed}}}


def _in_role(name: str) -> dict[str, Any]:
    return {"type": "object", "properties": {"role": {"const": name}}, "required": ["role"]}


def _object(required: list[str]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required}
