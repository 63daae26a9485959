"""A department or register that may publish: for what, and by which keys it is known."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from services.events.domain.checks import broken_format, instant
from services.events.domain.rate import Limits

# Every type of the catalogue; for a sandbox's entry only.
EVERY_TYPE: Final = "*"


@dataclass(frozen=True)
class Key:
    """A public key: its id, the file it is in, and the moment from which it counts no more."""

    kid: str
    file: str
    until: datetime | None = None

    def in_force(self, at: datetime) -> bool:
        """Whether a signature made at a moment counts."""
        return self.until is None or at < self.until


@dataclass(frozen=True)
class Publisher:
    """One entry of the register of publishers.

    What comes from a `sandbox` is judged like everything else and then stays there. Of a
    `suspended` publisher nothing is believed, whatever it is signed with.
    """

    id: str
    sources: frozenset[str]
    types: frozenset[str]
    keys: tuple[Key, ...]
    sandbox: bool = False
    suspended: bool = False
    limits: Limits = field(default_factory=Limits)

    def may_publish(self, type_name: str) -> bool:
        """Whether the entry lists a type; outside a sandbox the type must list it too."""
        return type_name in self.types or (self.sandbox and EVERY_TYPE in self.types)

    def speaks_for(self, source: str) -> bool:
        """Whether a source is one of the publisher's systems."""
        return source in self.sources

    def keys_in_force(self, at: datetime, kid: str | None = None) -> tuple[Key, ...]:
        """The keys whose signatures count at a moment; given an id, only the one of that id."""
        if self.suspended:
            return ()
        wanted = (key for key in self.keys if kid is None or key.kid == kid)
        return tuple(key for key in wanted if key.in_force(at))


def read_publisher(entry: Mapping[str, Any]) -> Publisher:
    """A publisher from its catalogue entry, which fits its schema and does not contradict itself.

    Raises ValueError for a time that is none.
    """
    return Publisher(
        id=entry["id"],
        sources=frozenset(entry["sources"]),
        types=frozenset(entry["types"]),
        keys=tuple(_key(key) for key in entry["keys"]),
        sandbox=entry.get("sandbox", False),
        suspended=entry.get("suspended", False),
        limits=Limits(**entry.get("limits", {})),
    )


def contradictions(entry: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What a schema cannot say is wrong with an entry: (pointer, code, sentence)."""
    if EVERY_TYPE in entry["types"] and not entry.get("sandbox", False):
        index = entry["types"].index(EVERY_TYPE)
        yield f"/types/{index}", "wildcard_forbidden", "only a sandbox may publish every type"
    kids = [key["kid"] for key in entry["keys"]]
    for index, key in enumerate(entry["keys"]):
        if key["kid"] in kids[:index]:
            yield f"/keys/{index}/kid", "duplicate_id", "another key of the entry has this id"
        until = key.get("until")
        if until is not None and instant(until) is None:
            code = broken_format("date-time", until)
            yield f"/keys/{index}/until", code, "must be a moment with its zone (RFC 3339)"


def _key(entry: Mapping[str, Any]) -> Key:
    until = entry.get("until")
    return Key(entry["kid"], entry["file"], until and datetime.fromisoformat(until))
