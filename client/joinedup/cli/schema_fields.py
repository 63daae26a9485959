"""The fields that a JSON Schema describes, one by one, as people read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Schema = Mapping[str, Any]

_LIMITS: Final = (
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "more than {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "less than {}"),
    ("minItems", "at least {} entries"),
    ("maxItems", "at most {} entries"),
)
# What bounds the counted rather than the told.
_SILENT: Final = frozenset({("minLength", 1), ("minItems", 1), ("maximum", 2**53 - 1)})


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `path` are the names down to it, with [] where a list is entered."""

    path: tuple[str, ...]
    required: bool
    kind: str
    description: str

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path[-1]


def fields(schema: Schema, path: tuple[str, ...] = ()) -> Iterator[Field]:
    """Every field of an object, each before those inside it."""
    required = schema.get("required", ())
    for name, each in schema.get("properties", {}).items():
        inside, mark = each, ""
        while isinstance(inside.get("items"), Mapping):
            inside, mark = inside["items"], f"{mark}[]"
        here = (*path, f"{name}{mark}")
        yield Field(here, name in required, kind(each), str(each.get("description", "")))
        yield from fields(inside, here)


def kind(schema: Schema) -> str:
    """What a value is: its type, its format, what it may be and how much of it."""
    if "const" in schema:
        return f"always {schema['const']}"
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    parts = [_type(schema)]
    parts += [
        text.format(schema[name])
        for name, text in _LIMITS
        if name in schema and (name, schema[name]) not in _SILENT
    ]
    if "pattern" in schema:
        parts.append(f"matches {schema['pattern']}")
    return ", ".join(parts)


def _type(schema: Schema) -> str:
    told = schema.get("type", "any value")
    name = told if isinstance(told, str) else " or ".join(told)
    if name == "array":
        inside = schema.get("items", {}).get("type", "object")
        return "list" if inside == "object" else f"list of {inside}s"
    return f"{name} ({schema['format']})" if "format" in schema else name
