"""What is wrong with an event, each fault with its place, its code and a sentence."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Final

from services.events.domain import checks, texts

Path = tuple[str | int, ...]

# A node of a type's schema may say which code breaking it has.
CODE: Final = "x-joinedup-code"
MAX_FAULTS: Final = 50
_MAX_NAME: Final = 64

_CODES: Final[Mapping[str, str]] = {
    "const": "value_not_allowed",
    "enum": "value_not_allowed",
    "exclusiveMaximum": "number_too_large",
    "exclusiveMinimum": "number_too_small",
    "maxItems": "list_too_long",
    "maxLength": "text_too_long",
    "maximum": "number_too_large",
    "minItems": "list_too_short",
    "minLength": "text_too_short",
    "minProperties": "object_empty",
    "minimum": "number_too_small",
    "pattern": "format_wrong",
    "type": "type_wrong",
}


@dataclass(frozen=True)
class Fault:
    """One thing wrong, at an RFC 6901 pointer; the detail never quotes what was sent."""

    pointer: str
    code: str
    detail: str = ""

    def __post_init__(self) -> None:
        if not self.detail:
            object.__setattr__(self, "detail", texts.PLACE[self.code])


@dataclass(frozen=True)
class Violation:
    """A JSON Schema keyword that an event breaks, as a validator reports it.

    `names` are the properties that are missing (required) or too many (additionalProperties).
    """

    keyword: str
    path: Path
    schema_path: Path
    names: tuple[str, ...] = ()
    value: object = field(default=None, repr=False)


def pointer(path: Path) -> str:
    """A path as a JSON pointer (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def shown(path: Path) -> str:
    """The pointer to a place that may have any name on its way, as far as each can be a name.

    A field that no type has is named by the sender: its name may say as much as a value.
    """
    return pointer(tuple(takewhile(_can_be_a_name, path)))


def explain(violation: Violation, schema: Mapping[str, Any]) -> list[Fault]:
    """The violation in our own words; the schema's words may be quoted, the sender's never."""
    if violation.keyword == "required":
        return [
            Fault(pointer((*violation.path, each)), "field_required") for each in violation.names
        ]
    if violation.keyword in {"additionalProperties", "unevaluatedProperties"}:
        return [Fault(shown((*violation.path, each)), "field_unknown") for each in violation.names]
    node = _node(schema, violation.schema_path[:-1])
    code = node.get(CODE) or _code(violation, node)
    return [Fault(pointer(violation.path), code, _detail(violation.keyword, code, node))]


def in_order(faults: Iterable[Fault]) -> list[Fault]:
    """The faults by their place, each once, no more than anybody reads."""
    unique = {(fault.pointer, fault.code): fault for fault in faults}
    return sorted(unique.values(), key=lambda fault: (fault.pointer, fault.code))[:MAX_FAULTS]


def _can_be_a_name(part: str | int) -> bool:
    name = str(part)
    return len(name) <= _MAX_NAME and name.isascii() and name.replace("_", "a").isalnum()


def _node(schema: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    node: Any = schema
    for part in path:
        node = node[part]
    return node if isinstance(node, Mapping) else {}


def _code(violation: Violation, node: Mapping[str, Any]) -> str:
    if violation.keyword == "format":
        return checks.broken_format(str(node["format"]), violation.value)
    return _CODES.get(violation.keyword, "value_invalid")


def _detail(keyword: str, code: str, node: Mapping[str, Any]) -> str:
    text = texts.PLACE[code]
    if keyword == "enum":
        return f"{text}: {', '.join(map(str, node['enum']))}"
    if keyword == "contains":
        return f"{text}: {node['contains']['properties']['role']['const']}"
    if keyword == "type":
        return f"{text}: {node['type']} is expected"
    if code == "format_wrong" and isinstance(node.get("description"), str):
        return f"{text}: {node['description']}"
    return text
