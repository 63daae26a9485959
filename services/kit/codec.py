"""Protobuf messages as records: CloudEvents 1.0 in binary mode; reading is a total function."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, TypeVar, cast

from cloudevents.core.bindings.kafka import to_binary
from cloudevents.core.formats.base import Format
from cloudevents.core.v1.event import CloudEvent
from google.protobuf.message import DecodeError, Message

M = TypeVar("M", bound=Message)
Headers = list[tuple[str, bytes]]

CONTENT_TYPE: Final = "application/protobuf"
MAX_HEADERS: Final = 64
MAX_HEADER_BYTES: Final = 16 * 1024
_REQUIRED: Final = ("ce_specversion", "ce_id", "ce_source", "ce_type")


class Unreadable(StrEnum):
    """Why a record can never be read; also the reason its dead letter carries."""

    EMPTY = "empty"
    UNEXPECTED_TOMBSTONE = "unexpected_tombstone"
    HEADERS = "headers"
    SCHEMA_FUTURE = "schema_future"
    DECODE = "decode"


@dataclass(frozen=True)
class Undecodable:
    """What `decode` returns instead of a message."""

    reason: Unreadable


@dataclass(frozen=True)
class Encoded:
    """A record's value and headers."""

    value: bytes
    headers: Headers


class _Raw:
    """Bytes in, bytes out: the JSON format turns bytes that happen to be UTF-8 into text.

    The two methods that binary mode uses; it has no structured mode.
    """

    def write_data(self, data: Any, datacontenttype: str | None) -> bytes:  # noqa: ARG002  # the protocol's signature
        return bytes(data)

    def read_data(self, body: bytes, datacontenttype: str | None) -> bytes:  # noqa: ARG002  # the protocol's signature
        return body


_RAW = cast("Format", _Raw())


def encode(message: Message, *, id: str, type: str, source: str, time: datetime) -> Encoded:  # noqa: A002  # CloudEvents' own names
    """A message as a record; `time` is aware, `type` ends in the contract's major version."""
    attributes = {
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": type,
        "time": time.astimezone(UTC),
        "datacontenttype": CONTENT_TYPE,
    }
    record = to_binary(CloudEvent(attributes, message.SerializeToString(deterministic=True)), _RAW)
    return Encoded(record.value, list(record.headers.items()))


def decode(
    value: bytes | None,
    headers: Iterable[tuple[str, bytes | None]],
    message_class: type[M],
) -> M | Undecodable:
    """The record's message, or why it can never be read. Total: it never raises.

    A message's field number 1 is its identifier and must be set.
    """
    if not value:
        empty = value is not None
        return Undecodable(Unreadable.EMPTY if empty else Unreadable.UNEXPECTED_TOMBSTONE)
    type_name = _type_of(headers)
    if type_name is None:
        return Undecodable(Unreadable.HEADERS)
    if major(type_name) != major(message_class.DESCRIPTOR.full_name):
        return Undecodable(Unreadable.SCHEMA_FUTURE)
    message = _parse(value, message_class)
    return Undecodable(Unreadable.DECODE) if message is None else message


def attribute(headers: Iterable[tuple[str, bytes | None]], name: str) -> str | None:
    """A CloudEvents attribute (`id`, `type`, …) of a record, None if absent or no text."""
    for key, value in headers:
        if key == f"ce_{name}" and value is not None:
            return value.decode("utf-8", "replace")
    return None


def major(name: str) -> int | None:
    """The major version in a dotted name (`a.b.v1`, `a.v1.Thing`): its last `v<number>` part."""
    for part in reversed(name.split(".")):
        if part[:1] == "v" and part[1:].isascii() and part[1:].isdigit():
            return int(part[1:])
    return None


def _parse(value: bytes, message_class: type[M]) -> M | None:
    message = message_class()
    try:
        message.ParseFromString(value)
    except DecodeError:
        return None
    identifier = message_class.DESCRIPTOR.fields_by_number[1].name
    return message if getattr(message, identifier) else None


def _type_of(headers: Iterable[tuple[str, bytes | None]]) -> str | None:
    """The type that a record's headers name; None where they are no CloudEvent's, or too many.

    Read here and not by the library, which takes longer than the rest of a record's way through a
    process (docs/decisions/0010). What is checked is what CloudEvents 1.0 requires of every event.
    """
    size, told = 0, {}
    for count, (name, value) in enumerate(headers):
        size += len(name) + len(value or b"")
        if count >= MAX_HEADERS or size > MAX_HEADER_BYTES:
            return None
        if name in _REQUIRED and value:
            told[name] = value
    if len(told) < len(_REQUIRED) or told["ce_specversion"] != b"1.0":
        return None
    try:
        return [told[name].decode("utf-8") for name in _REQUIRED][-1]
    except UnicodeDecodeError:
        return None
