"""An event type's entry in the catalogue, as far as identity needs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.identity.domain.errors import FieldInvalid
from services.identity.domain.identifier import normalised
from services.identity.domain.life_event import LifeEvent, Person
from services.identity.domain.permission import Flag


@dataclass(frozen=True)
class Role:
    """What the type says of the person in one role.

    Where a fact chooses it, the person is concerned only if that fact is true.
    """

    concerned: bool
    required: bool
    schemes: frozenset[str] = frozenset()
    record: frozenset[str] = frozenset()
    chosen_by: str | None = None

    def is_concerned(self, facts: Mapping[str, Any]) -> bool:
        """Whether a record is written for the person."""
        chosen = self.chosen_by is None or facts.get(self.chosen_by) is True
        return self.concerned and chosen


@dataclass(frozen=True)
class CaseRule:
    """The case the type opens or finds: whom it is about, and whom it joins."""

    kind: str
    anchor: str
    members: frozenset[str]


@dataclass(frozen=True)
class FenceRule:
    """The flag that goes up before the event is acknowledged, and on whom."""

    role: str
    flag: Flag


@dataclass(frozen=True)
class FactRule:
    """A record field that is fed from a fact."""

    role: str
    fact: str
    field: str


@dataclass(frozen=True)
class EventType:
    """One event type."""

    name: str
    lawful_basis: str
    roles: Mapping[str, Role]
    case: CaseRule | None = None
    fence: FenceRule | None = None
    record_fields: tuple[FactRule, ...] = ()
    derived_record: tuple[str, ...] = ()
    title: Mapping[str, str] = field(default_factory=dict)
    """What the type is called, by language."""
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What its facts and the record fields they feed are called, by name and language."""

    def check(self, event: LifeEvent) -> None:
        """Raise FieldInvalid unless the event names just the roles the type has."""
        for index, person in enumerate(event.persons):
            if person.role not in self.roles:
                raise FieldInvalid(f"persons[{index}].role", "role_unknown")
        named = {person.role for person in event.persons}
        if any(role.required and name not in named for name, role in self.roles.items()):
            raise FieldInvalid("persons", "role_required")

    def feeds(self, person: Person, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The record fields that the person's part of the event feeds; the rest is not kept."""
        wanted = self.roles[person.role].record
        kept = {n: said for n, said in described(person).items() if n in wanted} if wanted else {}
        for rule in self.record_fields:
            if rule.role == person.role and rule.fact in facts:
                kept[rule.field] = facts[rule.fact]
        return kept


def described(person: Person) -> dict[str, Any]:
    """What a department says of a person, by record field; what it does not know is absent."""
    name = {"given": list(person.given), "family": person.family}
    said = {
        "name": name if person.given or person.family else None,
        "birth_date": person.birth_date,
        "postcode": normalised(person.postcode),
        "sex": person.sex,
        "other_names": [
            {"kind": each.kind, "given": list(each.given), "family": each.family}
            for each in person.other_names
        ],
    }
    return {field: value for field, value in said.items() if value}
