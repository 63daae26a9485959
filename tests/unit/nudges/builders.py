"""Test data of the nudges service, in its own words and as records."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from joinedup.events.v1 import life_event_record_pb2 as events_pb2
from joinedup.identity.v1 import permission_set_pb2 as permissions_pb2
from services.kit import codec
from services.nudges.domain.life_event import LifeEvent, PartialDate, Reason
from services.nudges.domain.nudge import Catalogue, Corrections, Effect, Nudge
from services.nudges.domain.permission import Choice, LawfulBasis, Permission, PermissionSet

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
BIRTH = "civil-registration.birth.registered.v1"
MOTHER = "m" * 26
EVENT = "e" * 26
ROOT = "o" * 26
CORRECTIONS: Corrections = {
    Reason.FORMAL_CORRECTION: Effect.RECONSIDER,
    Reason.TYPOGRAPHICAL: Effect.KEEP,
    Reason.CANCELLED: Effect.WITHDRAW,
    Reason.CANCELLATION_REMOVED: Effect.REISSUE,
}


def a_life_event(**overrides: Any) -> LifeEvent:
    """A birth in England, five days ago, as it concerns the mother."""
    occurred = overrides.pop("occurred", "2026-11-18")
    fields = {
        "event_id": EVENT,
        "type": BIRTH,
        "subject": MOTHER,
        "role": "mother",
        "occurred": PartialDate.parse(occurred),
        "recorded_at": datetime(2026, 11, 20, 10, 3, tzinfo=UTC),
        "nation": "E",
        "reason": Reason.REGISTERED,
        "publisher": "gro",
        "facts": {"multiple_birth": False},
        "age_years": 32,
    }
    return LifeEvent(**{**fields, **overrides})


def a_nudge(**overrides: Any) -> Nudge:
    """A nudge for both parents of a new child, by explicit consent, fresh for 90 days."""
    fields = {
        "id": "family.child-benefit",
        "major": 1,
        "minor": 0,
        "controller": "hmrc",
        "purpose": "family",
        "lawful_basis": LawfulBasis.EXPLICIT_CONSENT,
        "event_type": BIRTH,
        "roles": frozenset({"mother", "father"}),
        "nations": frozenset({"E", "W", "S", "NI"}),
        "effective_from": date(2026, 4, 6),
        "effective_until": None,
        "fresh_days": 90,
        "channels": frozenset({"inbox", "stream"}),
    }
    return Nudge(**{**fields, **overrides})


def a_permission(**overrides: Any) -> Permission:
    """Permission given for both channels, without an end."""
    fields = {
        "purpose": "family",
        "controller": "hmrc",
        "choice": Choice.GIVEN,
        "epoch": 3,
        "channels": frozenset({"inbox", "stream"}),
        "expires_at": None,
    }
    return Permission(**{**fields, **overrides})


def a_set(
    *rows: Permission, subject: str = MOTHER, serial: int = 1, flags=(), closed_cases=()
) -> PermissionSet:
    """A person's set."""
    return PermissionSet.of(subject, serial, rows, flags, closed_cases)


def a_catalogue(*nudges: Nudge, types: tuple[str, ...] = (BIRTH,), **words: Effect) -> Catalogue:
    """A catalogue of these nudges; `words` are other words for corrections."""
    corrections = {**CORRECTIONS, **{Reason(name): word for name, word in words.items()}}
    return Catalogue.of(nudges, dict.fromkeys(types, corrections), "0123456789ab")


def a_record(**overrides: Any) -> events_pb2.LifeEventRecord:
    """The birth as the record that stands on the log."""
    facts = overrides.pop("facts", {"multiple_birth": False})
    fields = {
        "event_id": EVENT,
        "type": BIRTH,
        "subject": MOTHER,
        "role": "mother",
        "occurred": "2026-11-18",
        "registered_at": a_timestamp(datetime(2026, 11, 20, 10, 0, tzinfo=UTC)),
        "recorded_at": a_timestamp(datetime(2026, 11, 20, 10, 3, tzinfo=UTC)),
        "nation": "E",
        "reason": events_pb2.REASON_REGISTERED,
        "publisher": "gro",
    }
    derived = overrides.pop("derived", {"age_years": 32})
    record = events_pb2.LifeEventRecord(**{**fields, **overrides})
    record.facts.update(facts)
    record.derived.MergeFrom(events_pb2.DerivedFacts(**derived))
    return record


def a_set_message(
    subject: str = MOTHER, serial: int = 1, **row: Any
) -> permissions_pb2.PermissionSet:
    """A person's set as the record that stands on the log; one row, given for both channels."""
    fields = {
        "purpose": "family",
        "controller": "hmrc",
        "choice": permissions_pb2.CHOICE_GIVEN,
        "epoch": 3,
        "lawful_basis": "explicit_consent",
        "channels": ["inbox", "stream"],
    }
    permission = permissions_pb2.Permission(**{**fields, **row})
    return permissions_pb2.PermissionSet(subject=subject, serial=serial, permissions=[permission])


def encoded(message: Any) -> codec.Encoded:
    """A message as its writer puts it on the log."""
    return codec.encode(
        message,
        id=getattr(message, message.DESCRIPTOR.fields_by_number[1].name),
        type=message.DESCRIPTOR.full_name,
        source="urn:joinedup:tests",
        time=NOW,
    )


def a_timestamp(moment: datetime) -> Timestamp:
    """A moment as protobuf has it."""
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
