"""Protobuf on one side, the domain on the other; nowhere else do they meet."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from joinedup.events.v1 import life_event_record_pb2 as events_pb2
from joinedup.identity.v1 import permission_set_pb2 as permissions_pb2
from joinedup.nudges.v1 import decision_pb2
from services.kit import codec, ids
from services.nudges.domain.decision import Decision, NudgeDecision, Outcome
from services.nudges.domain.errors import DateUnreadable
from services.nudges.domain.life_event import Fact, LifeEvent, PartialDate, Reason, Standing
from services.nudges.domain.permission import Choice, Flag, Permission, PermissionSet
from services.nudges.ports import PoisonReason, Written

LIFE_EVENTS: Final = "life-events.v1"
PERMISSIONS: Final = "permissions.v1"
DECISIONS: Final = "decisions.v1"
GROUP: Final = "nudges.decide"
SOURCE: Final = "urn:joinedup:nudges"

_EVENTS_MAJOR: Final = codec.major(events_pb2.LifeEventRecord.DESCRIPTOR.full_name)
_NATIONS: Final = frozenset({"E", "W", "S", "NI"})

_REASONS: Final = {
    events_pb2.REASON_REGISTERED: Reason.REGISTERED,
    events_pb2.REASON_FORMAL_CORRECTION: Reason.FORMAL_CORRECTION,
    events_pb2.REASON_TYPOGRAPHICAL: Reason.TYPOGRAPHICAL,
    events_pb2.REASON_CANCELLED: Reason.CANCELLED,
    events_pb2.REASON_CANCELLATION_REMOVED: Reason.CANCELLATION_REMOVED,
}
_STANDINGS: Final = {
    events_pb2.STANDING_UNSPECIFIED: Standing.IN_FORCE,
    events_pb2.STANDING_IN_FORCE: Standing.IN_FORCE,
    events_pb2.STANDING_CANCELLED: Standing.CANCELLED,
    events_pb2.STANDING_REPLACED: Standing.REPLACED,
    events_pb2.STANDING_REPEATED: Standing.REPEATED,
}
_CHOICES: Final = {
    permissions_pb2.CHOICE_GIVEN: Choice.GIVEN,
    permissions_pb2.CHOICE_WITHDRAWN: Choice.WITHDRAWN,
    permissions_pb2.CHOICE_OBJECTED: Choice.OBJECTED,
}
_FLAGS: Final = {permissions_pb2.FLAG_DECEASED: Flag.DECEASED}
_OUTCOMES: Final = {
    Outcome.ISSUED: decision_pb2.OUTCOME_ISSUED,
    Outcome.SCHEDULED: decision_pb2.OUTCOME_SCHEDULED,
    Outcome.CANCELLED: decision_pb2.OUTCOME_CANCELLED,
    Outcome.SUPPRESSED: decision_pb2.OUTCOME_SUPPRESSED,
}


def envelope_fault(
    value: bytes | None, headers: Iterable[tuple[str, bytes | None]]
) -> PoisonReason | None:
    """What is wrong with a record before its value is looked into; None when nothing is.

    What the kit's `decode` checks, without building a CloudEvents object: that costs twenty times
    as much as parsing the value.
    """
    if not value:
        return PoisonReason.UNEXPECTED_TOMBSTONE if value is None else PoisonReason.EMPTY
    size = count = 0
    written: bytes | None = None
    for name, text in headers:
        count += 1
        size += len(name.encode("utf-8", "replace")) + len(text or b"")
        if name == "ce_type":
            written = text
    if count > codec.MAX_HEADERS or size > codec.MAX_HEADER_BYTES:
        return PoisonReason.HEADERS
    if written is None:
        readable = isinstance(ProtobufContract().read(value), LifeEvent)
        return PoisonReason.HEADERS if readable else PoisonReason.DECODE
    if codec.major(written.decode("utf-8", "replace")) != _EVENTS_MAJOR:
        return PoisonReason.SCHEMA_FUTURE
    return None


class ProtobufContract:
    """Reads life events and writes decisions."""

    def read(self, value: bytes) -> LifeEvent | PoisonReason:
        """The life event in a record's value, or why there is none."""
        record = events_pb2.LifeEventRecord()
        try:
            record.ParseFromString(value)
            return _life_event(record)
        except (DecodeError, DateUnreadable, ValueError, OverflowError):
            return PoisonReason.DECODE

    def write(self, decision: Decision) -> Written:
        """A decision as a record; the same decision is always the same bytes."""
        record = codec.encode(
            _decision(decision),
            id=decision.event_id,
            type=decision_pb2.Decision.DESCRIPTOR.full_name,
            source=SOURCE,
            time=decision.decided_at,
        )
        return Written(record.value, record.headers)


def permission_set(message: permissions_pb2.PermissionSet) -> PermissionSet:
    """A person's set; what a newer writer means by a choice is no permission."""
    rows = [
        Permission(
            purpose=row.purpose,
            controller=row.controller,
            choice=_CHOICES.get(row.choice, Choice.UNSPECIFIED),
            epoch=row.epoch,
            channels=frozenset(row.channels),
            expires_at=_moment(row.expires_at) if row.HasField("expires_at") else None,
        )
        for row in message.permissions
    ]
    flags = [_FLAGS.get(flag, Flag.UNKNOWN) for flag in message.flags]
    return PermissionSet.of(message.subject, message.serial, rows, flags, message.closed_cases)


def _life_event(record: events_pb2.LifeEventRecord) -> LifeEvent | PoisonReason:
    if record.reason not in _REASONS:
        written = record.reason != events_pb2.REASON_UNSPECIFIED
        return PoisonReason.SCHEMA_FUTURE if written else PoisonReason.DECODE
    if record.standing not in _STANDINGS:
        return PoisonReason.SCHEMA_FUTURE
    whole = (
        ids.is_id(record.event_id)
        and ids.is_id(record.subject)
        and record.type
        and record.role
        and record.nation in _NATIONS
        and record.HasField("recorded_at")
        and all(
            ids.is_id(each)
            for each in (record.supersedes, record.root_event_id, record.case_id)
            if each
        )
    )
    if not whole:
        return PoisonReason.DECODE
    derived = record.derived
    return LifeEvent(
        event_id=record.event_id,
        type=record.type,
        subject=record.subject,
        role=record.role,
        occurred=PartialDate.parse(record.occurred),
        recorded_at=_moment(record.recorded_at),
        nation=record.nation,
        reason=_REASONS[record.reason],
        publisher=record.publisher,
        supersedes=record.supersedes,
        permission_serial=record.permission_serial,
        facts=_facts(record.facts),
        record=_facts(derived.record),
        age_years=derived.age_years if derived.HasField("age_years") else None,
        fulfilled_types=frozenset(derived.fulfilled_types),
        root_event_id=record.root_event_id,
        case_id=record.case_id,
        standing=_STANDINGS[record.standing],
    )


def _others(record: events_pb2.LifeEventRecord) -> tuple[str, ...]:
    return record.supersedes, record.root_event_id, record.case_id


def _facts(struct: Struct) -> Mapping[str, Fact]:
    """The scalars of a struct; nothing else can be compared."""
    facts: dict[str, Fact] = {}
    for name, value in struct.fields.items():
        kind = value.WhichOneof("kind")
        if kind == "bool_value":
            facts[name] = value.bool_value
        elif kind == "string_value":
            facts[name] = value.string_value
        elif kind == "number_value":
            number = value.number_value
            facts[name] = int(number) if number.is_integer() else number
    return facts


def _decision(decision: Decision) -> decision_pb2.Decision:
    return decision_pb2.Decision(
        event_id=decision.event_id,
        subject=decision.subject,
        event_type=decision.event_type,
        role=decision.role,
        recorded_at=_timestamp(decision.recorded_at),
        decided_at=_timestamp(decision.decided_at),
        permission_serial=decision.permission_serial,
        catalogue_revision=decision.catalogue_revision,
        nudges=[_nudge_decision(each) for each in decision.nudges],
        occurred=decision.occurred,
        publisher=decision.publisher,
        root_event_id=decision.root_event_id,
        withdraws_entry=decision.withdraws_entry,
        case_id=decision.case_id,
    )


def _nudge_decision(decided: NudgeDecision) -> decision_pb2.NudgeDecision:
    return decision_pb2.NudgeDecision(
        nudge=decided.nudge,
        version=decided.version,
        outcome=_OUTCOMES[decided.outcome],
        reasons=[str(reason) for reason in decided.reasons],
        prompt_id=decided.prompt_id,
        occurrence=decided.occurrence,
        purpose=decided.purpose,
        controller=decided.controller,
        epoch=decided.epoch,
        due_at=_timestamp(decided.due_at),
        expires_at=_timestamp(decided.expires_at),
        channels=decided.channels,
        parameters=dict(decided.parameters),
        facts=[decision_pb2.UsedFact(name=each.name, value=each.value) for each in decided.facts],
    )


def _moment(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(UTC)


def _timestamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
