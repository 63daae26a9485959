"""A type's JSON Schema compiled, with its errors in our own words: the library quotes values."""

from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from services.events.domain.checks import formats
from services.events.domain.event_schema import schema_of
from services.events.domain.event_type import EventType
from services.events.domain.faults import Fault, Violation, explain


class TypeSchema:
    """What the bodies of one type are held to."""

    def __init__(self, event_type: EventType, *, fictitious: bool) -> None:
        """Compile; raises ValueError when the type's own part is no JSON Schema.

        `fictitious` lets numbers through that are never issued to anybody.
        """
        self.schema = schema_of(event_type)
        self._validator = jsonschema_rs.validator_for(
            self.schema,
            offline=True,
            validate_formats=True,
            formats=dict(formats(fictitious=fictitious)),
        )

    def faults(self, body: Mapping[str, Any]) -> list[Fault]:
        """Everything wrong with a body."""
        return [
            fault
            for error in self._validator.iter_errors(body)
            for fault in explain(violation(error), self.schema)
        ]


def violation(error: jsonschema_rs.ValidationError) -> Violation:
    """What the library found, without its text."""
    limits = error.kind.as_dict()
    names = limits.get("unexpected") or [limits[each] for each in ("property",) if each in limits]
    return Violation(
        keyword=str(error.kind.name),
        path=tuple(error.instance_path),
        schema_path=tuple(error.schema_path),
        names=tuple(names),
        value=error.instance,
    )
