"""What publishers say over gRPC, in the JSON form that means the same, and what they are told."""

import math
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.unknown_fields import UnknownFieldSet

from joinedup.events.v1 import life_event_record_pb2 as record_pb
from joinedup.events.v1 import life_events_pb2 as pb
from services.events.domain.admission import Progress, Receipt, Status
from services.events.domain.errors import BodyMalformed, EventInvalid, Refused, TooLarge
from services.events.domain.faults import Fault, Path, pointer
from services.events.domain.life_event import Reason
from services.events.domain.strict_json import MAX_BYTES, MAX_DEPTH

_SPECVERSION: Final = "1.0"
_ENVELOPE: Final = ("id", "source", "type", "time")
# Facts stand in data, which stands in the event.
_DEPTH_OF_FACTS: Final = 3
_INT64: Final = 2**63

_REASONS: Final[Mapping[int, str]] = {
    record_pb.Reason.Value(f"REASON_{reason.name}"): str(reason) for reason in Reason
}
_STATUSES: Final[Mapping[Status, pb.EventStatus.ValueType]] = {
    status: pb.EventStatus.Value(f"EVENT_STATUS_{status.name}") for status in Status
}


def body_of(
    request: pb.PublishRequest | pb.PublishStreamRequest,
) -> bytes | Mapping[str, Any] | Refused:
    """The CloudEvent that a request carries, or why it cannot be read."""
    match request.WhichOneof("event"):
        case "life_event":
            return json_form(request.life_event)
        case "cloud_event_json":
            return request.cloud_event_json
        case _:
            return BodyMalformed("oneof_required")


def json_form(event: pb.LifeEvent) -> Mapping[str, Any] | Refused:
    """The event as HTTP's structured mode has it, or why it has no such form.

    What is not set is not there; an empty list cannot be told from none.
    """
    if event.ByteSize() > MAX_BYTES:
        return TooLarge()
    try:
        data = _object(event, ("data",))
    except Refused as refused:
        return refused
    envelope: dict[str, Any] = {name: data.pop(name) for name in _ENVELOPE if name in data}
    return {"specversion": _SPECVERSION, **envelope, "data": data}


def accepted(receipt: Receipt) -> pb.PublishResponse:
    """The receipt of one event."""
    return pb.PublishResponse(event_id=receipt.event_id, duplicate=receipt.duplicate)


def progress(reached: Progress) -> pb.GetResponse:
    """How far an event has come."""
    response = pb.GetResponse(
        event_id=reached.event_id,
        id=reached.id,
        source=reached.source,
        type=reached.type,
        status=_STATUSES[reached.status],
        simulated=[
            pb.SimulatedOutcome(role=role, outcome=outcome)
            for role, outcome in sorted(reached.simulated.items())
        ],
    )
    response.received_at.FromDatetime(reached.received_at)
    return response


def _object(message: Message, path: Path) -> dict[str, Any]:
    # A newer contract's field: dropping it would lose what somebody said.
    if len(UnknownFieldSet(message)):
        raise EventInvalid([Fault(pointer(path), "field_unknown")])
    return {field.name: _value(each, (*path, field.name)) for field, each in message.ListFields()}


def _value(value: Any, path: Path) -> Any:
    match value:
        case str():
            return _text(value)
        case Struct():
            return _members(value, _DEPTH_OF_FACTS)
        case Message():
            return _object(value, path)
        case int():
            return _reason(value, path) if path[-1] == "reason" else value
        case _:
            return [_value(each, (*path, index)) for index, each in enumerate(value)]


def _reason(number: int, path: Path) -> str:
    if number not in _REASONS:
        raise EventInvalid([Fault(pointer(path), "enum_unknown")])
    return _REASONS[number]


def _text(text: str) -> str:
    if "\x00" in text:
        raise BodyMalformed("text_encoding")
    return text


def _members(struct: Struct, depth: int) -> dict[str, Any]:
    _check(depth)
    return {_text(name): _json(each, depth + 1) for name, each in struct.fields.items()}


def _json(value: Value, depth: int) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _members(value.struct_value, depth)
        case "list_value":
            _check(depth)
            return [_json(each, depth + 1) for each in value.list_value.values]
        case "string_value":
            return _text(value.string_value)
        case "number_value":
            return _number(value.number_value)
        case "bool_value":
            return value.bool_value
        case _:
            return None


def _check(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise BodyMalformed("json_depth")


def _number(number: float) -> int | float:
    """A whole number as one, as JSON writes it: every number of a Struct is a double."""
    if number.is_integer() and -_INT64 <= number < _INT64:
        return int(number)
    if not math.isfinite(number):
        raise BodyMalformed("json_number")
    return number
