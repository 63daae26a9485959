"""Protobuf on one side, the domain on the other; no other module knows both."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from joinedup.events.v1 import life_event_record_pb2 as record_pb
from joinedup.identity.v1 import access_log_pb2 as access_log_pb
from joinedup.identity.v1 import subjects_pb2 as subjects_pb
from joinedup.nudges.v1 import decision_pb2 as decision_pb
from services.events.domain.attempt import Attempt
from services.events.domain.life_event import (
    Entry,
    Identifier,
    LifeEvent,
    Person,
    PersonName,
    Reason,
    Resolution,
    ResolvedPerson,
    Standing,
)
from services.kit import codec
from services.kit.telemetry import TRACEPARENT

LIFE_EVENTS: Final = "life-events.v1"
DECISIONS: Final = "decisions.v1"
INBOUND_EVENTS: Final = "inbound-events.{publisher}.v1"
SOURCE: Final = "urn:joinedup:events"

_RECORD_TYPE: Final[str] = record_pb.LifeEventRecord.DESCRIPTOR.full_name
_REASONS: Final[Mapping[Reason, "record_pb.Reason.ValueType"]] = {
    reason: record_pb.Reason.Value(f"REASON_{reason.name}") for reason in Reason
}
_STANDINGS: Final[Mapping[Standing, "record_pb.Standing.ValueType"]] = {
    standing: record_pb.Standing.Value(f"STANDING_{standing.name}") for standing in Standing
}


def resolve_request(event: LifeEvent, traceparent: str = "") -> subjects_pb.ResolveRequest:
    """The question who the persons of an event are; one of many carries its own trace."""
    request = subjects_pb.ResolveRequest(
        event_id=event.event_id,
        type=event.type,
        publisher=event.publisher,
        occurred=event.occurred,
        reason=str(event.reason),
        supersedes=event.supersedes,
        nation=event.nation,
        persons=[_person(person) for person in event.persons],
        facts=_struct(event.facts),
        traceparent=traceparent,
        sequence=event.sequence,
    )
    request.registered_at.FromDatetime(event.registered_at)
    return request


def refused_attempt(attempt: Attempt) -> access_log_pb.RefusedAttempt:
    """An attempt for identity to write down."""
    return access_log_pb.RefusedAttempt(
        publisher=attempt.publisher,
        type=attempt.type,
        reason=attempt.reason,
        event_id=attempt.event_id,
        persons=[
            access_log_pb.AttemptedPerson(identifiers=map(_identifier, person))
            for person in attempt.persons
        ],
        traceparent=attempt.traceparent,
    )


def resolution(response: subjects_pb.ResolveResponse) -> Resolution:
    """The answer to it."""
    return Resolution(
        tuple(
            ResolvedPerson(
                role=each.role,
                subject=each.subject,
                permission_serial=each.permission_serial,
                age_years=each.age_years if each.HasField("age_years") else None,
                fulfilled_types=tuple(each.fulfilled_types),
                record=json_format.MessageToDict(each.record),
            )
            for each in response.persons
        ),
        response.case_id,
        response.root_event_id,
        Standing(response.standing or Standing.IN_FORCE),
    )


def records(entry: Entry) -> list[tuple[str, codec.Encoded]]:
    """The records of an event, each with the handle of the person it concerns, in its trace."""
    trace = [(TRACEPARENT, entry.traceparent.encode())] if entry.traceparent else []
    found = []
    for person in entry.resolution.persons:
        encoded = record(entry, person)
        found.append((person.subject, codec.Encoded(encoded.value, [*encoded.headers, *trace])))
    return found


def record(entry: Entry, person: ResolvedPerson) -> codec.Encoded:
    """The record of an event for one concerned person."""
    event, resolution = entry.event, entry.resolution
    message = record_pb.LifeEventRecord(
        event_id=event.event_id,
        type=event.type,
        subject=person.subject,
        role=person.role,
        case_id=resolution.case_id,
        occurred=event.occurred,
        nation=event.nation,
        reason=_REASONS[event.reason],
        supersedes=event.supersedes,
        sequence=event.sequence,
        facts=_struct(entry.facts),
        derived=record_pb.DerivedFacts(
            age_years=person.age_years,
            fulfilled_types=person.fulfilled_types,
            record=_struct(person.record),
        ),
        permission_serial=person.permission_serial,
        publisher=event.publisher,
        root_event_id=resolution.root_event_id,
        standing=_STANDINGS[resolution.standing],
    )
    message.registered_at.FromDatetime(event.registered_at)
    message.recorded_at.FromDatetime(entry.recorded_at)
    return codec.encode(
        message, id=event.event_id, type=_RECORD_TYPE, source=SOURCE, time=entry.recorded_at
    )


def decided(
    value: bytes | None, headers: Iterable[tuple[str, bytes]]
) -> tuple[str, str] | codec.Undecodable:
    """Event id and subject of a record on decisions.v1, or why it can never be read."""
    message = codec.decode(value, headers, decision_pb.Decision)
    if isinstance(message, codec.Undecodable):
        return message
    if not message.subject:
        return codec.Undecodable(codec.Unreadable.DECODE)
    return message.event_id, message.subject


def _person(person: Person) -> subjects_pb.Person:
    message = subjects_pb.Person(
        role=person.role,
        identifiers=map(_identifier, person.identifiers),
        birth_date=person.birth_date,
        postcode=person.postcode,
        sex=person.sex,
        other_names=[
            subjects_pb.OtherName(name=_name(each.name), kind=each.kind)
            for each in person.other_names
        ],
    )
    if person.name is not None:
        message.name.CopyFrom(_name(person.name))
    return message


def _identifier(identifier: Identifier) -> subjects_pb.Identifier:
    return subjects_pb.Identifier(scheme=identifier.scheme, value=identifier.value)


def _name(name: PersonName) -> subjects_pb.PersonName:
    return subjects_pb.PersonName(given=name.given, family=name.family)


def _struct(values: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(dict(values))
    return struct
