"""A life event as identity sees it: who is named, and the facts that feed the personal record."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from services.identity.domain.identifier import Identifier


class Reason(StrEnum):
    """Why a register says something now."""

    REGISTERED = "registered"
    FORMAL_CORRECTION = "formal_correction"
    TYPOGRAPHICAL = "typographical"
    CANCELLED = "cancelled"
    CANCELLATION_REMOVED = "cancellation_removed"

    @property
    def states_a_fact(self) -> bool:
        """Whether the event itself says that something is so."""
        return self in {Reason.REGISTERED, Reason.FORMAL_CORRECTION, Reason.TYPOGRAPHICAL}


@dataclass(frozen=True)
class OtherName:
    """A name besides the one a person has now: `birth`, `previous` or `known_as`."""

    kind: str
    given: tuple[str, ...] = field(repr=False)
    family: str = field(repr=False)


@dataclass(frozen=True)
class Person:
    """A person as a department describes them; empty where it does not know."""

    role: str = ""
    identifiers: tuple[Identifier, ...] = field(default=(), repr=False)
    given: tuple[str, ...] = field(default=(), repr=False)
    family: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)
    postcode: str = field(default="", repr=False)
    sex: str = field(default="", repr=False)
    other_names: tuple[OtherName, ...] = field(default=(), repr=False)

    @property
    def forename(self) -> str:
        """The first given name; empty for a child that has none yet."""
        return self.given[0] if self.given else ""


@dataclass(frozen=True)
class LifeEvent:
    """One admitted event, before anyone in it is known by a handle."""

    event_id: str
    type: str
    publisher: str
    occurred: str
    registered_at: datetime
    reason: Reason
    nation: str
    persons: tuple[Person, ...] = field(repr=False)
    supersedes: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)
    sequence: int = 0
    trace_id: str = ""


def fact_digest(event: LifeEvent, persons: Iterable[tuple[str, str]]) -> bytes:
    """By what the same fact about the same persons (role and handle) is known again."""
    fact = [event.type, event.occurred, event.facts, sorted(set(persons))]
    return blake2b(json.dumps(fact, sort_keys=True).encode(), digest_size=16).digest()
