"""JSON Schema with our own codes and texts: the library's messages quote the offending value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jsonschema_rs

Path = tuple[str | int, ...]

# Keyword → (code, text); {0} is what the schema says, never what was sent.
_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "const": ("value_not_allowed", "must be the one allowed value"),
    "enum": ("value_not_allowed", "must be one of the allowed values"),
    "exclusiveMaximum": ("number_too_large", "must be less than {0}"),
    "exclusiveMinimum": ("number_too_small", "must be more than {0}"),
    "falseSchema": ("field_forbidden", "must not stand here"),
    "format": ("format_invalid", "must have the format {0}"),
    "maxItems": ("list_too_long", "must have at most {0} entries"),
    "maxLength": ("text_too_long", "must have at most {0} characters"),
    "maxProperties": ("object_too_large", "must have at most {0} fields"),
    "maximum": ("number_too_large", "must be at most {0}"),
    "minItems": ("list_too_short", "must have at least {0} entries"),
    "minLength": ("text_too_short", "must have at least {0} characters"),
    "minProperties": ("object_too_small", "must have at least {0} fields"),
    "minimum": ("number_too_small", "must be at least {0}"),
    "multipleOf": ("number_step", "must be a multiple of {0}"),
    "pattern": ("pattern_mismatch", "must match {0}"),
    "propertyNames": ("field_name_invalid", "has a field whose name is not allowed"),
    "uniqueItems": ("list_not_unique", "must not hold the same entry twice"),
}
_ANY: Final = ("value_invalid", "does not fit any of the allowed forms")


@dataclass(frozen=True)
class SchemaProblem:
    """One thing wrong: where (a path of names and indexes), a code, and a text without values."""

    path: Path
    code: str
    text: str

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer."""
        return pointer(self.path)


class Schema:
    """A JSON Schema (2020-12), compiled once; it never fetches anything."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._validator = jsonschema_rs.validator_for(
            dict(schema), offline=True, validate_formats=True
        )

    def problems(self, instance: Any) -> list[SchemaProblem]:
        """Everything wrong with an instance, in a stable order; empty when it is valid."""
        found = [
            problem
            for error in self._validator.iter_errors(instance)
            for problem in _explain(error, instance)
        ]
        return sorted(found, key=lambda each: ([str(part) for part in each.path], each.code))


def pointer(path: Path) -> str:
    """A path as a JSON pointer (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def _explain(error: jsonschema_rs.ValidationError, instance: Any) -> list[SchemaProblem]:
    path: Path = tuple(error.instance_path)
    name = str(error.kind.name)
    limits = error.kind.as_dict()
    if name == "falseSchema" and error.schema_path[-1] == "additionalProperties":
        # An object that may have no fields at all: the library does not say which it has.
        name, limits = "additionalProperties", {"unexpected": sorted(_at(instance, path))}
    if name == "required":
        return [SchemaProblem((*path, limits["property"]), "field_required", "is required")]
    if name in {"additionalProperties", "unevaluatedProperties"}:
        return [
            SchemaProblem((*path, each), "field_unknown", "is not a field known here")
            for each in limits["unexpected"]
        ]
    if name == "type":
        wanted = [str(each) for each in limits["types"]]
        return [
            SchemaProblem(path, f"type_expected_{'_or_'.join(wanted)}", f"must be {_or(wanted)}")
        ]
    code, text = _TEXTS.get(name, _ANY)
    return [SchemaProblem(path, code, text.format(*limits.values()))]


def _at(instance: Any, path: Path) -> Any:
    for part in path:
        instance = instance[part]
    return instance


def _or(names: list[str]) -> str:
    return " or ".join(names)
