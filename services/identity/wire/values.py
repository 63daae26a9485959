"""Single values of requests: what must be there, what it may be, and times."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from services.identity.domain.agreement import LANGUAGES
from services.identity.domain.errors import FieldInvalid

MAX_TEXT: Final = 200
# W3C's: version, trace, parent, flags. A trace of zeros is none.
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def language_of(text: str) -> str:
    """The language asked for, English where none is; raises FieldInvalid."""
    return allowed(text or LANGUAGES[0], LANGUAGES, "language")


def present(text: str, path: str) -> str:
    """The text, which must be there and not too long; raises FieldInvalid."""
    if not text:
        raise FieldInvalid(path, "field_required")
    if len(text) > MAX_TEXT:
        raise FieldInvalid(path, "text_too_long")
    return text


def keepable(text: str, path: str) -> str:
    """The text, which may not hold the one character that no database keeps; raises FieldInvalid.

    The door lets none through; one event with it would undo all others of its call.
    """
    if "\0" in text:
        raise FieldInvalid(path, "text_control_char")
    return text


def allowed(text: str, values: Iterable[str], path: str) -> str:
    """The text, which must be one of these; raises FieldInvalid."""
    if text not in values:
        raise FieldInvalid(path, "value_not_allowed")
    return text


def trace_id_of(traceparent: str) -> str:
    """The trace of a W3C traceparent; empty for what is none."""
    read = _TRACEPARENT.fullmatch(traceparent)
    return read[1] if read else ""


def instant(moment: Timestamp, path: str) -> datetime:
    """The instant; raises FieldInvalid for one that no calendar has."""
    try:
        return moment.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise FieldInvalid(path, "time_invalid") from None


def timestamp(moment: datetime | None) -> Timestamp | None:
    """An instant as the contracts write it."""
    if moment is None:
        return None
    written = Timestamp()
    written.FromDatetime(moment.astimezone(UTC))
    return written
