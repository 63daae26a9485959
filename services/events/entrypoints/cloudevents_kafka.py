"""The two ways in which a record carries a CloudEvent: structured and binary mode.

CloudEvents 1.0.2, Kafka protocol binding. Records have no batched mode: they are one.
"""

from typing import Any, Final

from starlette.datastructures import Headers

from services.events.domain import strict_json, texts
from services.events.domain.errors import BodyMalformed, Refused, TooLarge
from services.events.domain.strict_json import MAX_BYTES
from services.events.entrypoints import cloudevents_http
from services.events.entrypoints.cloudevents_http import Mode
from services.kit.log_consumer import Record
from services.kit.problem import ProblemError
from services.kit.web import MAX_ONE_HEADER_BYTES
from services.kit.web_protocol import MAX_HEAD_BYTES

_ATTRIBUTE: Final = "ce_"


def headers_of(record: Record) -> Headers:
    """A record's headers as those of a request; raises Refused or ProblemError (431).

    What is larger than is ever taken is refused before anything of it is looked at. Names are told
    apart as HTTP's are: large and small letters are the same.
    """
    if record.unreadable:
        raise BodyMalformed("record_unreadable")
    sizes = [len(name.encode()) + len(value) for name, value in record.headers]
    if sum(sizes) > MAX_HEAD_BYTES or max(sizes, default=0) > MAX_ONE_HEADER_BYTES:
        detail = texts.REQUEST["header_too_large"]
        raise ProblemError(431, "header_too_large", detail=detail)
    if len(record.value or b"") > MAX_BYTES:
        raise TooLarge
    return Headers(raw=[(_name(name), value) for name, value in record.headers])


def mode_of(headers: Headers) -> Mode:
    """How a record carries its event; raises ProblemError (415)."""
    mode = cloudevents_http.mode_of(headers)
    if mode is Mode.BATCH:
        raise cloudevents_http.unsupported("media_type")
    return mode


def event_of(record: Record, headers: Headers, mode: Mode) -> Any:
    """What a record tells; raises Refused."""
    value = record.value or b""
    if mode is Mode.STRUCTURED:
        return strict_json.read(value)
    # Its attributes' values are UTF-8 as they are; only HTTP has to encode them.
    event = cloudevents_http.binary_event(headers, value, decoded=bytes)
    if isinstance(event, Refused):
        raise event
    return event


def _name(name: str) -> bytes:
    small = name.lower()
    if small.startswith(_ATTRIBUTE):
        small = cloudevents_http.ATTRIBUTE + small.removeprefix(_ATTRIBUTE)
    return small.encode()
