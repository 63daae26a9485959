"""What the platform answers to a published event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from joinedup.client.errors import Refused, Unavailable


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform has the event and will not lose it."""

    event_id: str
    """The platform's own id, the same for every try."""
    status_url: str
    """Where its publisher can read what became of it; a path where no address is known."""
    duplicate: bool
    """True when the platform had it already."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an event of one's own has come."""

    event_id: str
    document: Mapping[str, Any]
    """The platform's whole answer."""


Result: TypeAlias = Receipt | Refused | Unavailable
"""What became of one event of many: taken, refused for good, or to be sent again later."""
