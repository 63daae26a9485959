"""The three ways in which HTTP carries CloudEvents: structured, batched and binary mode.

CloudEvents 1.0.2, HTTP protocol binding.
"""

import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers

from services.events.domain import strict_json, texts
from services.events.domain.errors import BodyMalformed, Refused, TooLarge
from services.events.domain.strict_json import MAX_BYTES
from services.kit.problem import ProblemError

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
BINARY: Final = "application/json"
MAX_BATCH: Final = 500
MAX_BATCH_BYTES: Final = 4 * 1024 * 1024

ATTRIBUTE: Final = "ce-"

_QUOTED: Final = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_ESCAPED: Final = re.compile(rb"\\(.)")
_ENCODES_NOTHING: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Mode(StrEnum):
    """How a request carries its events."""

    STRUCTURED = STRUCTURED
    BATCH = BATCH
    BINARY = BINARY


def mode_of(headers: Headers) -> Mode:
    """The mode that a request's headers say; raises ProblemError (415)."""
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise unsupported("encoding_unsupported")
    mode = _mode(headers.get("content-type", ""))
    if mode is None or (mode is Mode.BINARY and "ce-specversion" not in headers):
        raise unsupported("media_type")
    return mode


def most_bytes(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """The largest body that a request with these headers may have."""
    types = [value for name, value in headers if name == b"content-type"]
    batch = len(types) == 1 and _mode(types[0].decode("latin-1")) is Mode.BATCH
    return MAX_BATCH_BYTES if batch else MAX_BYTES


def from_header(value: bytes) -> bytes:
    """The value of an attribute that a header carries; raises BodyMalformed.

    Quoted strings are written by older versions of the binding, and are opened first.
    """
    if quoted := _QUOTED.fullmatch(value):
        value = _ESCAPED.sub(rb"\1", quoted[1])
    if _ENCODES_NOTHING.search(value):
        raise BodyMalformed("text_encoding")
    return unquote_to_bytes(value)


def binary_event(
    headers: Headers, body: bytes, decoded: Callable[[bytes], bytes] = from_header
) -> dict[str, Any] | Refused:
    """The event whose attributes are in the headers and whose data is the body, or what is wrong.

    Values of attributes are encoded as this binding asks; others ask for something else.
    """
    event: dict[str, Any] = {}
    try:
        for name, value in headers.items():
            if not name.startswith(ATTRIBUTE):
                continue
            attribute = name.removeprefix(ATTRIBUTE)
            if attribute in event or attribute == "data":
                return BodyMalformed("attribute_repeated")
            event[attribute] = _text(decoded(value.encode("latin-1")))
        event["datacontenttype"] = BINARY
        event["data"] = strict_json.read(body)
    except Refused as refused:
        return refused
    return event


def items(body: bytes) -> list[bytes]:
    """The texts of a batch's events; raises BodyMalformed or TooLarge."""
    if len(body) > MAX_BATCH_BYTES:
        raise TooLarge
    return strict_json.items(body, MAX_BATCH)


def _mode(content_type: str) -> Mode | None:
    sent = content_type.lower().replace(" ", "").replace('"', "")
    return next((mode for mode in Mode if sent in {mode, f"{mode};charset=utf-8"}), None)


def _text(value: bytes) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise BodyMalformed("text_encoding") from None
    if "\x00" in text:
        raise BodyMalformed("text_encoding")
    return text


def unsupported(code: str) -> ProblemError:
    """The answer to a kind of body that is not taken (415)."""
    accepted = {"accept-post": ", ".join(Mode), "accept-encoding": "identity"}
    return ProblemError(
        415, code, "The body is not of an accepted kind", texts.REQUEST[code], headers=accepted
    )
