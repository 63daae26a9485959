"""A type of life event: who may say so, whom it concerns, and what of it may be used."""

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

# What may stand on the log: nothing a register could write prose, a name or an address into.
_CLOSED_TYPES: Final = frozenset({"boolean", "integer", "number"})
_CLOSED_FORMATS: Final = frozenset({"date", "partial-date"})


@dataclass(frozen=True)
class Role:
    """What a person is in an event."""

    name: str
    concerned: bool
    required: bool
    identifiers: tuple[str, ...]


@dataclass(frozen=True)
class EventType:
    """One entry of the catalogue; `entry` is all of it, as its readers are shown it."""

    name: str
    publishers: frozenset[str]
    nations: tuple[str, ...]
    roles: Mapping[str, Role]
    facts: Mapping[str, Any]
    on_log: frozenset[str]
    examples: tuple[str, ...]
    entry: Mapping[str, Any]

    @property
    def fences(self) -> bool:
        """Whether something goes silent before an event of this type is acknowledged."""
        return "fences" in self.entry

    @property
    def lawful_basis(self) -> str:
        """Why the platform may process it: the only basis anybody may name."""
        return str(self.entry["lawful_basis"]["basis"])

    def may_be_published_by(self, publisher: str) -> bool:
        """Whether the type lists a publisher; the publisher must list the type too."""
        return publisher in self.publishers

    def minimised(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The facts that may stand on the log: an allow-list, so a new fact stays at the door."""
        return {name: value for name, value in facts.items() if name in self.on_log}


@dataclass(frozen=True)
class Prohibition:
    """A kind of event that nobody may publish or register."""

    id: str
    names: frozenset[str]

    def covers(self, type_name: str) -> bool:
        """Whether a part of a type's name holds one of the words."""
        parts = type_name.lower().split(".")
        return any(f"-{name}-" in f"-{part}-" for part in parts for name in self.names)


@functools.lru_cache(maxsize=1024)
def is_prohibited(type_name: str, prohibitions: tuple[Prohibition, ...]) -> bool:
    """Whether any of the prohibitions covers a type's name; asked of the same names all day."""
    return any(each.covers(type_name) for each in prohibitions)


def read_event_type(entry: Mapping[str, Any]) -> EventType:
    """A type from its catalogue entry, which fits its schema."""
    roles = {
        name: Role(name, role["concerned"], role["required"], tuple(role.get("identifiers", ())))
        for name, role in entry["roles"].items()
    }
    return EventType(
        name=entry["type"],
        publishers=frozenset(entry["publishers"]),
        nations=tuple(entry["nations"]),
        roles=roles,
        facts=entry["facts"],
        on_log=frozenset(entry["on_log"]),
        examples=tuple(entry["examples"]),
        entry=entry,
    )


def read_prohibition(entry: Mapping[str, Any]) -> Prohibition:
    """A prohibition from its catalogue entry, which fits its schema."""
    return Prohibition(entry["id"], frozenset(entry["names"]))


def contradictions(
    entry: Mapping[str, Any], prohibitions: Iterable[Prohibition]
) -> Iterator[tuple[str, str, str]]:
    """What a schema cannot say is wrong with an entry: (pointer, code, sentence)."""
    facts = entry["facts"].get("properties", {})
    yield from _prohibited(entry["type"], prohibitions)
    yield from _unknown_roles(entry)
    case, fences = entry.get("case"), entry.get("fences", {})
    if case and (case["kind"] == "loss") != (fences.get("role") == case["anchor"]):
        yield "/case/kind", "loss_without_fence", "is loss just where the anchor is fenced"
    if not any(role["concerned"] for role in entry["roles"].values()):
        yield "/roles", "nobody_concerned", "no role is concerned: nothing would be written"
    for name, role in entry["roles"].items():
        chosen_by = role.get("chosen_by")
        if chosen_by is not None and facts.get(chosen_by, {}).get("type") != "boolean":
            yield f"/roles/{name}/chosen_by", "fact_unknown", "is not a boolean fact of this type"
    for index, name in enumerate(entry["on_log"]):
        if name not in facts:
            yield f"/on_log/{index}", "fact_unknown", "is not a fact of this type"
        elif not _closed(facts[name]):
            yield f"/on_log/{index}", "fact_open", "is free text: it may not stand on the log"
    for index, fed in enumerate(entry.get("record_fields", ())):
        if fed["fact"] not in facts:
            yield f"/record_fields/{index}/fact", "fact_unknown", "is not a fact of this type"


def _prohibited(name: str, prohibitions: Iterable[Prohibition]) -> Iterator[tuple[str, str, str]]:
    if any(each.covers(name) for each in prohibitions):
        yield "/type", "event_type_prohibited", "is of a kind that may never be published"


def _unknown_roles(entry: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    named: dict[str, str] = {}
    if "fences" in entry:
        named["/fences/role"] = entry["fences"]["role"]
    if "case" in entry:
        named["/case/anchor"] = entry["case"]["anchor"]
        members = entry["case"]["members"]
        named |= {f"/case/members/{index}": name for index, name in enumerate(members)}
    fields = entry.get("record_fields", ())
    named |= {f"/record_fields/{index}/role": each["role"] for index, each in enumerate(fields)}
    for pointer, name in named.items():
        if name not in entry["roles"]:
            yield pointer, "role_unknown", "is not a role of this type"


def _closed(fact: Mapping[str, Any]) -> bool:
    return (
        "enum" in fact
        or "const" in fact
        or fact.get("type") in _CLOSED_TYPES
        or fact.get("format") in _CLOSED_FORMATS
    )
