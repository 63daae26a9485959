"""What is fuzzed: each way in which bytes become an event, with the laws that it keeps.

Nothing is ever raised but the refusals it declares; what is accepted says the same when it is
written and read again; and no refusal repeats anything that was sent.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Hashable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import DecodeError
from starlette.datastructures import Headers

from joinedup.cli.event_checks import Checking, items, register
from joinedup.events.v1 import life_events_pb2 as pb
from joinedup.events.v1.life_event_record_pb2 import Reason
from services.events import wire_publishing
from services.events.domain import strict_json
from services.events.domain.admission import Submission, digest_of
from services.events.domain.errors import BodyMalformed, Refused
from services.events.entrypoints import cloudevents_http, cloudevents_kafka
from services.events.entrypoints.cloudevents_http import BINARY, STRUCTURED, Mode
from services.events.entrypoints.problems import problem_of
from services.events.handlers.judge_event import Judged, judge_event
from services.kit.log_consumer import Record
from services.kit.problem import ProblemError
from tests.builders import an_event_body
from tests.corpus import http_bodies
from tests.fuzz.fuzzer import CANARY

NOW: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
PUBLISHER: Final = "gro"
REGISTER: Final = register()
_CHECKING: Final = Checking(REGISTER, PUBLISHER, NOW)
_GOLDEN: Final = (
    *("birth", "birth-corrected", "birth-cancelled"),
    *("death", "death-corrected", "death-cancelled"),
)


def structured_seeds() -> list[bytes]:
    """Golden events, one with the canary in each place, and the corpus's bodies."""
    bodies = [json.dumps(an_event_body(name)).encode() for name in _GOLDEN]
    bodies += [json.dumps(each).encode() for each in _with_canary(an_event_body())]
    for entry in http_bodies.entries():
        content = http_bodies.content(entry["request"], entry["id"])
        if content and len(content) < strict_json.MAX_BYTES:
            bodies.append(content)
    return bodies


def structured(case: bytes) -> Hashable:
    """One event as JSON: read strictly, held to its type and to the rules."""
    try:
        told = strict_json.read(case)
    except BodyMalformed as refused:
        return _refused(refused)
    assert told == json.loads(case)
    assert strict_json.read(json.dumps(told).encode()) == told
    return _judged(case)


def batch_seeds() -> list[bytes]:
    """Batches of golden events and of what is wrong."""
    bodies = structured_seeds()
    several = [b"[" + b",".join(bodies[at : at + 3]) + b"]" for at in range(0, len(bodies), 3)]
    return [b"[]", b"[ ]", b"[1, {}]", b'[[[]], "],["]', *several]


def batch(case: bytes) -> Hashable:
    """Many events: divided without being read, so that each is wrong for itself alone."""
    try:
        found = cloudevents_http.items(case)
    except Refused as refused:
        return _refused(refused)
    try:
        whole = strict_json.read(case)
    except BodyMalformed:
        whole = None
    if whole is not None:
        assert [strict_json.read(each) for each in found] == whole
    return len(found), frozenset(_judged(each) for each in found[:3])


def binary_seeds() -> list[bytes]:
    """Golden events in binary mode: lines of headers, an empty line, the data."""
    return [_binary(an_event_body(name)) for name in _GOLDEN]


def binary(case: bytes) -> Hashable:
    """One event whose attributes are headers."""
    head, _, body = case.partition(b"\n\n")
    headers = Headers(
        raw=[
            (line[1].lower(), line[2]) for each in head.split(b"\n") if (line := _LINE.match(each))
        ]
    )
    try:
        mode = cloudevents_http.mode_of(headers)
    except ProblemError as refused:
        return _told(refused)
    if mode is not Mode.BINARY:
        return mode
    told = cloudevents_http.binary_event(headers, body)
    if isinstance(told, Refused):
        return _refused(told)
    answer = _judged(told)
    assert answer == _judged(json.dumps(told).encode()) or len(json.dumps(told)) > _TOO_LONG
    return answer


def record_seeds() -> list[bytes]:
    """Golden events as records of an inbound topic, in both modes."""
    structured_mode = [
        f"content-type: {STRUCTURED}\n\n{json.dumps(an_event_body(name))}".encode()
        for name in _GOLDEN
    ]
    return [*structured_mode, *(each.replace(b"ce-", b"ce_") for each in binary_seeds())]


def record(case: bytes) -> Hashable:
    """One event as a record of a publisher's own topic."""
    head, _, value = case.partition(b"\n\n")
    lines = (each.partition(b": ") for each in head.split(b"\n"))
    headers = [(name.decode("utf-8", "replace"), text) for name, _, text in lines]
    came = Record("inbound-events.gro.v1", 0, 0, None, value, headers, 0)
    try:
        read = cloudevents_kafka.headers_of(came)
        told = cloudevents_kafka.event_of(came, read, cloudevents_kafka.mode_of(read))
    except Refused as refused:
        return _refused(refused)
    except ProblemError as refused:
        return _told(refused)
    return _judged(told)


def typed_seeds() -> list[bytes]:
    """Golden events as gRPC's own message, and as JSON inside it."""
    bodies = [an_event_body(name) for name in _GOLDEN]
    as_json = [pb.PublishRequest(cloud_event_json=json.dumps(each).encode()) for each in bodies]
    as_fields = [pb.PublishRequest(life_event=_life_event(each)) for each in bodies]
    return [each.SerializeToString() for each in (*as_json, *as_fields, pb.PublishRequest())]


def typed(case: bytes) -> Hashable:
    """One event as gRPC brings it."""
    try:
        request = pb.PublishRequest.FromString(case)
    except DecodeError:
        return "not protobuf"
    body = wire_publishing.body_of(request)
    if isinstance(body, Refused):
        return _refused(body)
    if not isinstance(body, bytes):
        # What came field by field can also be written as JSON, and is then read as the same.
        assert strict_json.read(json.dumps(body).encode()) == body
    return _judged(body)


def checked_file(case: bytes) -> Hashable:
    """A file of events, as `joinedup events check` reads it: it has no refusal, only answers."""
    found = [
        _CHECKING.document(Path("events.json"), item)["error"] for item in items(io.BytesIO(case))
    ]
    lines = case.count(b"\n") + 1
    for error in found:
        assert CANARY not in json.dumps(error)
        assert all(1 <= each["line"] <= lines for each in (error["errors"] if error else ()))
    return len(found), frozenset(error["code"] if error else "" for error in found)


def _with_canary(value: Any) -> Iterator[Any]:
    """The value with the canary instead of each part of it in turn, and as a field's name."""
    if isinstance(value, dict):
        yield {**value, CANARY: "\u202e"}
    for name in value if isinstance(value, dict) else range(len(value)):
        changed = [
            CANARY,
            *(_with_canary(value[name]) if isinstance(value[name], dict | list) else ()),
        ]
        for each in changed:
            copy = value.copy()
            copy[name] = each
            yield copy


# What a server takes as a header; anything else never comes to the application.
_LINE: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9a-zA-Z-]+): ([\t\x20-\x7e\x80-\xff]*)\Z")
# A text that JSON writes with escapes is longer than the one it came as.
_TOO_LONG: Final = strict_json.MAX_BYTES // 6


def _judged(body: bytes | Mapping[str, Any]) -> Hashable:
    judged = judge_event(REGISTER, Submission(PUBLISHER, body), NOW)
    if isinstance(judged, Refused):
        return _refused(judged)
    again = judge_event(REGISTER, Submission(PUBLISHER, json.dumps(judged.told).encode()), NOW)
    if isinstance(again, Judged):
        assert again == judged
        assert digest_of(again.told) == digest_of(judged.told)
    else:
        assert len(json.dumps(judged.told)) > strict_json.MAX_BYTES
    assert judged.facts.items() <= judged.event.facts.items()
    return "accepted", judged.event.type, judged.event.reason, len(judged.event.persons)


def _refused(refused: Refused) -> Hashable:
    """How a refusal is told apart; its document repeats nothing."""
    return _told(problem_of(refused))


def _told(problem: ProblemError) -> Hashable:
    document = problem.document()
    assert CANARY not in json.dumps(document)
    return problem.code, tuple((each["pointer"], each["code"]) for each in document["errors"])


def _binary(event: Mapping[str, Any]) -> bytes:
    attributes = {name: event[name] for name in event if name not in {"data", "datacontenttype"}}
    lines = [f"ce-{name}: {value}" for name, value in attributes.items()]
    head = "\n".join((f"content-type: {BINARY}", *lines))
    return f"{head}\n\n{json.dumps(event['data'])}".encode()


def _life_event(event: Mapping[str, Any]) -> pb.LifeEvent:
    data = dict(event["data"])
    message = pb.LifeEvent(
        **{name: event[name] for name in ("id", "source", "type", "time")},
        reason=Reason.Value(f"REASON_{data.pop('reason').upper()}"),
        persons=map(_person, data.pop("persons")),
    )
    message.facts.update(data.pop("facts"))
    for name, value in data.items():
        setattr(message, name, value)
    return message


def _person(person: Mapping[str, Any]) -> pb.EventPerson:
    return pb.EventPerson(**dict(_parts(person)))


def _parts(person: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in person.items():
        if name == "identifiers":
            yield name, [pb.EventIdentifier(**each) for each in value]
        elif name == "other_names":
            yield name, [pb.EventOtherName(**each) for each in value]
        else:
            yield name, pb.EventName(**value) if name == "name" else value
