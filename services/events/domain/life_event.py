"""A life event as a register tells it, and as it concerns each person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from services.events.domain.admission import event_id_of


class Reason(StrEnum):
    """Why the register says it now."""

    REGISTERED = "registered"
    FORMAL_CORRECTION = "formal_correction"
    TYPOGRAPHICAL = "typographical"
    CANCELLED = "cancelled"
    CANCELLATION_REMOVED = "cancellation_removed"


CORRECTING: Final = frozenset(str(reason) for reason in Reason) - {Reason.REGISTERED}


class Standing(StrEnum):
    """Whether a statement still holds when it comes onto the log."""

    IN_FORCE = "in_force"
    CANCELLED = "cancelled"
    REPLACED = "replaced"
    REPEATED = "repeated"


class NameKind(StrEnum):
    """What a name is to a person besides the one they have now."""

    BIRTH = "birth"
    PREVIOUS = "previous"
    KNOWN_AS = "known_as"


@dataclass(frozen=True)
class Identifier:
    """A number or code by which a department knows a person."""

    scheme: str
    value: str


@dataclass(frozen=True)
class PersonName:
    """A name as registered."""

    given: tuple[str, ...]
    family: str


@dataclass(frozen=True)
class OtherName:
    """A name that a person had, or is known by besides."""

    kind: NameKind
    name: PersonName


@dataclass(frozen=True)
class Person:
    """A person as the source describes them; empty texts are unknown."""

    role: str
    identifiers: tuple[Identifier, ...]
    name: PersonName | None
    birth_date: str
    postcode: str
    sex: str
    other_names: tuple[OtherName, ...] = ()


@dataclass(frozen=True)
class LifeEvent:
    """An event that keeps every rule of its type; `supersedes` is an event id, or empty.

    `occurred` is when it happened, as far as that is known; `registered_at` when the register wrote
    this statement down.
    """

    event_id: str
    publisher: str
    type: str
    occurred: str
    registered_at: datetime
    nation: str
    reason: Reason
    supersedes: str
    sequence: int
    persons: tuple[Person, ...]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class ResolvedPerson:
    """A concerned person: their handle, and what a decision may know of them."""

    role: str
    subject: str
    permission_serial: int
    age_years: int | None
    fulfilled_types: tuple[str, ...]
    record: Mapping[str, Any]


@dataclass(frozen=True)
class Resolution:
    """Who an event concerns; `case_id` is empty when the type opens no case.

    `root_event_id` is the event under whose id the prompts of its entry are counted; empty means
    its own.
    """

    persons: tuple[ResolvedPerson, ...]
    case_id: str
    root_event_id: str = ""
    standing: Standing = Standing.IN_FORCE


@dataclass(frozen=True)
class Entry:
    """An event on its way to the log: `facts` are those that may stand there.

    `recorded_at` is when the platform first received it.
    """

    event: LifeEvent
    facts: Mapping[str, Any]
    resolution: Resolution
    recorded_at: datetime
    traceparent: str


def read_life_event(body: Mapping[str, Any], publisher: str) -> LifeEvent:
    """The event of a body that was checked and found without fault."""
    told, source = body["data"], body["source"]
    supersedes = told.get("supersedes", "")
    return LifeEvent(
        event_id=event_id_of(publisher, source, body["id"]),
        publisher=publisher,
        type=body["type"],
        occurred=told["occurred"],
        registered_at=datetime.fromisoformat(told["registered_at"]),
        nation=told["nation"],
        reason=Reason(told["reason"]),
        supersedes=event_id_of(publisher, source, supersedes) if supersedes else "",
        sequence=int(told.get("sequence", 0)),
        persons=tuple(_person(each) for each in told["persons"]),
        facts=told["facts"],
    )


def _person(told: Mapping[str, Any]) -> Person:
    return Person(
        role=told["role"],
        identifiers=tuple(
            Identifier(each["scheme"], each["value"]) for each in told.get("identifiers", ())
        ),
        name=_name(told["name"]) if "name" in told else None,
        birth_date=told.get("birth_date", ""),
        postcode=told.get("postcode", ""),
        sex=told.get("sex", ""),
        other_names=tuple(
            OtherName(NameKind(each["kind"]), _name(each)) for each in told.get("other_names", ())
        ),
    )


def _name(told: Mapping[str, Any]) -> PersonName:
    return PersonName(tuple(told.get("given", ())), told.get("family", ""))
