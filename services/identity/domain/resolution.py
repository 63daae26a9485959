"""The answer to "who are the persons of this event?"."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.identity.domain.access_line import AGE, EARLIER_EVENTS
from services.identity.domain.birth_date import age_in_years
from services.identity.domain.entry import Standing
from services.identity.domain.event_type import EventType
from services.identity.domain.life_event import Person


@dataclass(frozen=True)
class Profile:
    """What is known of a person and may be derived from.

    `same_fact`: id and root of each event in force that states the fact that was asked about.
    """

    serial: int
    fulfilled_types: tuple[str, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict, repr=False)
    same_fact: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ResolvedPerson:
    """One concerned person."""

    role: str
    subject: str = field(repr=False)
    permission_serial: int
    age_years: int | None
    fulfilled_types: tuple[str, ...]
    record: Mapping[str, Any] = field(repr=False)

    @property
    def told_fields(self) -> tuple[str, ...]:
        """Names of what is told of the person, never values."""
        age = () if self.age_years is None else (AGE,)
        earlier = (EARLIER_EVENTS,) if self.fulfilled_types else ()
        return (*age, *earlier, *self.record)


@dataclass(frozen=True)
class Resolution:
    """The concerned persons in the order the event names them, and the case; empty without one.

    `fenced` are the handles that must be confirmed silent before this is answered.
    `root_event_id` is the event under whose id the prompts of the entry are counted.
    """

    persons: tuple[ResolvedPerson, ...]
    case_id: str = ""
    fenced: tuple[str, ...] = field(default=(), repr=False)
    root_event_id: str = ""
    standing: Standing = Standing.IN_FORCE


def resolved_person(
    person: Person, handle: str, profile: Profile, event_type: EventType, today: date
) -> ResolvedPerson:
    """A concerned person as the type may see them: declared record fields and an age, no more."""
    allowed = event_type.derived_record
    return ResolvedPerson(
        role=person.role,
        subject=handle,
        permission_serial=profile.serial,
        age_years=age_in_years(person.birth_date or profile.record.get("birth_date"), today),
        fulfilled_types=profile.fulfilled_types,
        record={name: profile.record[name] for name in allowed if name in profile.record},
    )
