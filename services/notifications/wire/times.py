"""Instants of the wire. Some that protobuf can write are no instants: they count as broken."""

from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.notifications.domain.errors import DecisionInvalid

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moment(value: Timestamp) -> datetime:
    """An instant, to the microsecond; raises DecisionInvalid for one outside of all calendars."""
    try:
        return _EPOCH + timedelta(seconds=value.seconds, microseconds=value.nanos // 1_000)
    except OverflowError:
        raise DecisionInvalid("decode") from None


def moment_or_none(message: Message, field: str) -> datetime | None:
    """An instant in a field of a message, None when it is absent."""
    return moment(getattr(message, field)) if message.HasField(field) else None


def timestamp(at: datetime) -> Timestamp:
    """An aware instant on the wire."""
    value = Timestamp()
    value.FromDatetime(at)
    return value
