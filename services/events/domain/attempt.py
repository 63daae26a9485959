"""An event that was refused because its publisher may not send it so: whom it named."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from services.events.domain.admission import event_id_of
from services.events.domain.life_event import Identifier

# An event that was refused was never held to its schema: what is larger leads to nobody.
_MOST_PERSONS: Final = 20
_MOST_IDENTIFIERS: Final = 4
_LONGEST: Final = 64


@dataclass(frozen=True)
class Attempt:
    """Who tried what, why it was refused, and the identifiers of each person it named."""

    publisher: str
    type: str
    reason: str
    event_id: str
    persons: tuple[tuple[Identifier, ...], ...] = field(repr=False)
    traceparent: str


def read_attempt(publisher: str, told: Mapping[str, Any], reason: str, traceparent: str) -> Attempt:
    """The attempt that a refused body was, as far as the body can be read."""
    source, own_id, data = told.get("source"), told.get("id"), told.get("data")
    named = isinstance(source, str) and isinstance(own_id, str)
    persons = data.get("persons") if isinstance(data, dict) else None
    found = (tuple(_identifiers(person)) for person in _listed(persons, _MOST_PERSONS))
    return Attempt(
        publisher=publisher,
        type=told["type"],
        reason=reason,
        event_id=event_id_of(publisher, str(source), str(own_id)) if named else "",
        persons=tuple(person for person in found if person),
        traceparent=traceparent,
    )


def _identifiers(person: object) -> Iterator[Identifier]:
    told = person.get("identifiers") if isinstance(person, dict) else None
    for each in _listed(told, _MOST_IDENTIFIERS):
        said = each if isinstance(each, dict) else {}
        if _is_short(said.get("scheme")) and _is_short(said.get("value")):
            yield Identifier(said["scheme"], said["value"])


def _listed(value: object, most: int) -> list[object]:
    return value[:most] if isinstance(value, list) else []


def _is_short(text: object) -> bool:
    return isinstance(text, str) and 0 < len(text) <= _LONGEST
