"""An event as the bytes that every try carries, and many of them as batches."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from joinedup.client.errors import Refused

Event: TypeAlias = Mapping[str, Any] | bytes
"""A CloudEvent, or its JSON in UTF-8, which is sent byte for byte."""

MAX_EVENT_BYTES: Final = 64 * 1024
MAX_BATCH_EVENTS: Final = 500
MAX_BATCH_BYTES: Final = 4 * 1024 * 1024
_TOO_LARGE: Final = 413
_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
)


def body_of(event: Event) -> bytes:
    """The event's JSON; raises Refused for what has none, or is larger than any event may be.

    Made once: whatever is sent again is the same, so that the platform sees one event.
    """
    body = event if isinstance(event, bytes) else _written(event)
    if len(body) > MAX_EVENT_BYTES:
        raise Refused("body_too_large", "The body is larger than 64 KiB.", status=_TOO_LARGE)
    return body


class Batch:
    """Events that are sent together, in order; one that cannot be sent at all keeps its place."""

    def __init__(self, most: int) -> None:
        if not 1 <= most <= MAX_BATCH_EVENTS:
            raise ValueError(f"a batch has 1 to {MAX_BATCH_EVENTS} events")
        self._most = most
        self.entries: list[bytes | Refused] = []
        self._bytes = len("[]")

    def takes(self, entry: bytes | Refused) -> bool:
        """Whether there is room for another entry."""
        fits = self._bytes + _size(entry) <= MAX_BATCH_BYTES
        return len(self.entries) < self._most and fits

    def add(self, entry: bytes | Refused) -> None:
        """Add an entry that there is room for."""
        self.entries.append(entry)
        self._bytes += _size(entry)


def entry_of(event: Event) -> bytes | Refused:
    """The event's JSON, or why it has none."""
    try:
        return body_of(event)
    except Refused as refused:
        return refused


def _written(event: Mapping[str, Any]) -> bytes:
    try:
        return _ENCODER.encode(event).encode()
    except TypeError:
        raise Refused("json_invalid", "The event holds what JSON has no form for.") from None
    except RecursionError:
        raise Refused("json_depth", "The event is nested too deeply.") from None
    except UnicodeEncodeError:
        raise Refused("text_encoding", "A text holds half of a surrogate pair.") from None
    except ValueError:
        raise Refused("json_number", "A number is NaN or infinite.") from None


def _size(entry: bytes | Refused) -> int:
    return len(entry) + 1 if isinstance(entry, bytes) else 0
