"""Rules between the parts of an event and the time, which a JSON Schema cannot say.

They are asked of bodies that may be wrong in every other way too, so that one answer names all.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any

from services.events.domain.checks import (
    FIRST_MIDNIGHT,
    Days,
    days,
    days_fault,
    has_control_characters,
    instant,
    instant_fault,
    is_nfc,
)
from services.events.domain.faults import Fault, Path, shown


def broken_rules(body: Mapping[str, Any], now: datetime) -> Iterator[Fault]:
    """Every rule that a body breaks at a moment."""
    yield from _texts(body)
    yield from _ids(body)
    yield from _times(body, now)
    yield from _roles(body)


def _texts(body: Mapping[str, Any]) -> Iterator[Fault]:
    waiting: list[tuple[Path, object]] = [((), body)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            if has_control_characters(value):
                yield Fault(shown(path), "text_control_char")
        elif isinstance(value, dict):
            waiting.extend(((*path, name), each) for name, each in value.items())
        elif isinstance(value, list):
            waiting.extend(((*path, index), each) for index, each in enumerate(value))


def _ids(body: Mapping[str, Any]) -> Iterator[Fault]:
    own, supersedes = _at(body, "id"), _at(body, "data", "supersedes")
    for place, value in (("/id", own), ("/data/supersedes", supersedes)):
        if isinstance(value, str) and not is_nfc(value):
            yield Fault(place, "id_not_nfc")
    if isinstance(own, str) and own == supersedes:
        yield Fault("/data/supersedes", "supersedes_itself")


def _times(body: Mapping[str, Any], now: datetime) -> Iterator[Fault]:
    registered_at = _instant(_at(body, "data", "registered_at"))
    for place, moment in (
        ("/time", _instant(_at(body, "time"))),
        ("/data/registered_at", registered_at),
    ):
        if moment is not None and (code := instant_fault(moment, now)):
            yield Fault(place, code)
    occurred = _days(_at(body, "data", "occurred"))
    births = enumerate(_persons(body))
    for place, meant in (
        ("/data/occurred", occurred),
        *((f"/data/persons/{i}/birth_date", _days(_at(each, "birth_date"))) for i, each in births),
    ):
        if meant is not None and (code := days_fault(meant, now)):
            yield Fault(place, code)
    if occurred is not None and registered_at is not None and _later(occurred, registered_at):
        yield Fault("/data/occurred", "occurred_after_registration")


def _roles(body: Mapping[str, Any]) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, person in enumerate(_persons(body)):
        role = _at(person, "role")
        if not isinstance(role, str):
            continue
        if role in seen:
            yield Fault(f"/data/persons/{index}/role", "role_repeated")
        seen.add(role)


def _later(occurred: Days, registered_at: datetime) -> bool:
    """Whether even the earliest of the days began after the registration, anywhere on Earth."""
    begins = datetime.combine(occurred.first, time(), tzinfo=UTC)
    return begins - registered_at > FIRST_MIDNIGHT


def _persons(body: Mapping[str, Any]) -> list[object]:
    persons = _at(body, "data", "persons")
    return persons if isinstance(persons, list) else []


def _at(value: object, *names: str) -> object:
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _instant(value: object) -> datetime | None:
    return instant(value) if isinstance(value, str) else None


def _days(value: object) -> Days | None:
    return days(value) if isinstance(value, str) else None
