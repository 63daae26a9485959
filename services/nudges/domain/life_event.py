"""A life event as this service sees it: one record, one concerned person, no name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from services.nudges.domain.errors import DateUnreadable

Fact = str | bool | int | float

# 2026, 2026-11 or 2026-11-18.
_PARTIAL = re.compile(r"([0-9]{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01]))?)?", re.ASCII)
_DECEMBER: Final = 12
# Dates stay far from the ends of the calendar, so that counting days from one never leaves it.
_YEARS: Final = range(1800, 3000)


class Reason(StrEnum):
    """Why a register says something now."""

    REGISTERED = "registered"
    FORMAL_CORRECTION = "formal_correction"
    TYPOGRAPHICAL = "typographical"
    CANCELLED = "cancelled"
    CANCELLATION_REMOVED = "cancellation_removed"

    @property
    def continues(self) -> bool:
        """Whether the statement is about a fact that was already told: no second prompt for it."""
        return self in {self.FORMAL_CORRECTION, self.TYPOGRAPHICAL, self.CANCELLED}

    @property
    def states_a_fact(self) -> bool:
        """Whether the statement itself says that something is so."""
        return self in {self.REGISTERED, self.FORMAL_CORRECTION, self.TYPOGRAPHICAL}


class Standing(StrEnum):
    """Whether a statement still held when it came onto the log."""

    IN_FORCE = "in_force"
    # What a register says of an entry may come in any order: this came after its cancellation,
    CANCELLED = "cancelled"
    # or after a later statement about the entry,
    REPLACED = "replaced"
    # or it tells a fact again that was told under another id.
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A day, or a month or year of which the day is not known."""

    text: str
    earliest: date
    latest: date

    @classmethod
    def parse(cls, text: str) -> "PartialDate":
        """The date a record carries; raises DateUnreadable."""
        found = _PARTIAL.fullmatch(text)
        if found is None:
            raise DateUnreadable
        year, month, day = (int(part) if part else 0 for part in found.groups())
        if year not in _YEARS:
            raise DateUnreadable
        try:
            if day:
                exact = date(year, month, day)
                return cls(text, exact, exact)
            return cls(text, date(year, month or 1, 1), _last_day(year, month or _DECEMBER))
        except ValueError:
            raise DateUnreadable from None


def _last_day(year: int, month: int) -> date:
    if month == _DECEMBER:
        return date(year, month, 31)
    return date(year, month + 1, 1) - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LifeEvent:
    """One record of life-events.v1.

    `subject` is the handle of the person it concerns. `facts`, `record` and `age_years` are all a
    decision may know; what is not known is absent. `permission_serial` is how new a view of the
    person's permissions a decision needs. `root_event_id` is the event under whose id the prompts
    of this entry are counted; empty when the record does not say. `case_id` joins what is about one
    child; empty when it is about none.
    """

    event_id: str
    type: str
    subject: str
    role: str
    occurred: PartialDate
    recorded_at: datetime
    nation: str
    reason: Reason
    publisher: str
    supersedes: str = ""
    permission_serial: int = 0
    facts: Mapping[str, Fact] = field(default_factory=dict)
    record: Mapping[str, Fact] = field(default_factory=dict)
    age_years: int | None = None
    fulfilled_types: frozenset[str] = frozenset()
    root_event_id: str = ""
    case_id: str = ""
    standing: Standing = Standing.IN_FORCE

    @property
    def prompt_root(self) -> str:
        """The event id that prompt ids are made from.

        A correction or cancellation continues the event it replaces: its prompts are the same
        prompts, so that an amended register entry never prompts a second time.
        """
        if self.root_event_id:
            return self.root_event_id
        return self.supersedes if self.reason.continues and self.supersedes else self.event_id

    def known(self, name: str) -> Fact | None:
        """The value of a name as conditions write it; None when it is not known."""
        family, _, rest = name.partition(".")
        if family == "facts":
            return self.facts.get(rest)
        if name == "derived.age_years":
            return self.age_years
        if name in {"nation", "publisher"}:
            return self.nation if name == "nation" else self.publisher
        return self.record.get(rest.removeprefix("record."))
