"""A department or register that may publish, and for what."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Key:
    """A public key: its id, and the file it is in."""

    kid: str
    file: str


@dataclass(frozen=True)
class Publisher:
    """One entry of the register of publishers."""

    id: str
    sources: frozenset[str]
    types: frozenset[str]
    keys: tuple[Key, ...]

    def may_publish(self, type_name: str) -> bool:
        """Whether the entry lists a type; the type must list the publisher too."""
        return type_name in self.types

    def speaks_for(self, source: str) -> bool:
        """Whether a source is one of the publisher's systems."""
        return source in self.sources

    def key(self, kid: str | None) -> Key | None:
        """The key of that id; without an id, the publisher's only key."""
        if kid is None:
            return self.keys[0] if len(self.keys) == 1 else None
        return next((key for key in self.keys if key.kid == kid), None)


def read_publisher(entry: Mapping[str, Any]) -> Publisher:
    """A publisher from its catalogue entry, which fits its schema."""
    return Publisher(
        id=entry["id"],
        sources=frozenset(entry["sources"]),
        types=frozenset(entry["types"]),
        keys=tuple(Key(key["kid"], key["file"]) for key in entry["keys"]),
    )
