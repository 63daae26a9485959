"""One event of a file, and the place where reading goes on behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from joinedup.cli.home import Problem
from joinedup.client.errors import Refused

CUT: Final = "line_too_long"


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a file has been read."""

    offset: int = 0
    """Bytes before the next entry."""
    number: int = 0
    """Lines before it; in a JSON array, entries."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in one place of a file: an event, or the fault that keeps it from being one."""

    place: str
    """The file, and the line or entry where there are several."""
    number: int
    """Its line, from 1; in a JSON array, which entry it is."""
    raw: bytes
    """As it stands there; of an overlong line the beginning."""
    end: Mark
    body: bytes = b""
    """The event's JSON."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Its id, source and type, as far as it has them."""
    fault: Problem | Refused | None = None


def about(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """What tells an event and its publisher apart; the rest need not be kept."""
    return {name: event.get(name) for name in ("id", "source", "type")}
