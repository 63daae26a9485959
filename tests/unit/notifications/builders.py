"""Decisions, permissions and prompts for tests: small, named functions with overrides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from joinedup.identity.v1 import permission_set_pb2
from joinedup.nudges.v1 import decision_pb2
from services.kit.ids import new_random_id
from services.notifications.domain.decision import Arrival, Decision
from services.notifications.domain.gate import Ask
from services.notifications.domain.permission import Choice, Permission, PermissionSet
from services.notifications.domain.prompt import StreamItem
from services.notifications.wire.decisions import decision_of
from services.notifications.wire.permissions import permission_set_of

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
LONG_AFTER = datetime(2099, 1, 1, tzinfo=UTC)
BIRTH = "civil-registration.birth.registered.v1"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

NUDGE_DOCUMENT: dict[str, Any] = {
    "id": "family.child-benefit",
    "version": "1.0",
    "owner": "hmrc",
    "event_type": BIRTH,
    "roles": ["mother"],
    "purpose": "family",
    "lawful_basis": "explicit_consent",
    "reference": "https://www.gov.uk/child-benefit",
    "effective": {"from": "2026-04-06"},
    "nations": ["E", "W", "S", "NI"],
    "fresh_for": "90d",
    "channels": ["inbox", "stream"],
    "sensitivity": "sensitive",
    "holdout_share": 0,
    "value": {"en": "A weekly payment", "cy": "Taliad wythnosol"},
    "deadline": "90d",
    "messages": {
        "en": {
            "title": "You can claim Child Benefit",
            "body": "A birth was registered on {occurred}. Claim by {deadline}.",
            "link": "https://www.gov.uk/child-benefit/how-to-claim",
        },
        "cy": {
            "title": "Gallwch hawlio Budd-dal Plant",
            "body": "Cofrestrwyd genedigaeth ar {occurred}. Hawliwch erbyn {deadline}.",
            "link": "https://www.gov.uk/budd-dal-plant",
        },
    },
    "explanation": {"en": "You are named as a parent.", "cy": "Fe'ch enwir yn rhiant."},
    "contact": {"en": "Helpline, 0300 200 3100", "cy": "Llinell gymorth, 0300 200 1900"},
    "last_checked": "2026-11-23",
    "review_by": "2027-04-06",
}


def a_nudge_document(**changed: Any) -> dict[str, Any]:
    """A nudge as its file has it."""
    return {**NUDGE_DOCUMENT, **changed}


def a_nudge_decision(**changed: Any) -> decision_pb2.NudgeDecision:
    """Child Benefit, issued on epoch 0 for both channels."""
    about: dict[str, Any] = {
        "nudge": "family.child-benefit",
        "version": "1.0",
        "outcome": decision_pb2.OUTCOME_ISSUED,
        "prompt_id": new_random_id(),
        "purpose": "family",
        "controller": "hmrc",
        "epoch": 0,
        "due_at": NOW,
        "expires_at": LONG_AFTER,
        "channels": ["inbox", "stream"],
        "parameters": {"occurred": "2026-11-18", "deadline": "2027-02-16"},
        "facts": [decision_pb2.UsedFact(name="facts.multiple_birth", value="false")],
    }
    return decision_pb2.NudgeDecision(**about | changed)


def a_decision(*nudges: decision_pb2.NudgeDecision, **changed: Any) -> decision_pb2.Decision:
    """What was decided for a mother on a birth; one issued nudge unless others are given."""
    about: dict[str, Any] = {
        "event_id": new_random_id(),
        "subject": new_random_id(),
        "event_type": BIRTH,
        "role": "mother",
        "recorded_at": NOW,
        "decided_at": NOW,
        "permission_serial": 1,
        "catalogue_revision": "0123456789ab",
        "nudges": nudges or [a_nudge_decision()],
        "occurred": "2026-11-18",
        "publisher": "gro",
    }
    return decision_pb2.Decision(**about | changed)


def a_later_decision(
    first: decision_pb2.Decision, *nudges: decision_pb2.NudgeDecision, **changed: Any
) -> decision_pb2.Decision:
    """What was decided for the same person on a later statement about the same entry."""
    about = {"subject": first.subject, "root_event_id": first.event_id}
    return a_decision(*nudges, **about | changed)


def a_call_off(issued: decision_pb2.NudgeDecision, **changed: Any) -> decision_pb2.NudgeDecision:
    """The end of a prompt, as a later statement decides it."""
    about: dict[str, Any] = {
        "prompt_id": issued.prompt_id,
        "nudge": issued.nudge,
        "outcome": decision_pb2.OUTCOME_CANCELLED,
        "reasons": ["event_cancelled"],
        "channels": [],
    }
    return a_nudge_decision(**about | changed)


def as_decision(message: decision_pb2.Decision) -> Decision:
    """The domain's decision in a message."""
    return decision_of(message, message.subject.encode())


def an_arrival(
    message: decision_pb2.Decision | None = None, traceparent: str = TRACEPARENT
) -> Arrival:
    """A decision as it comes off the log."""
    message = message or a_decision()
    return Arrival(as_decision(message), message.SerializeToString(), traceparent)


def a_given_row(**changed: Any) -> permission_set_pb2.Permission:
    """Family and HMRC, given, epoch 0, both channels."""
    about: dict[str, Any] = {
        "purpose": "family",
        "controller": "hmrc",
        "choice": permission_set_pb2.CHOICE_GIVEN,
        "epoch": 0,
        "lawful_basis": "explicit_consent",
        "channels": ["inbox", "stream"],
    }
    return permission_set_pb2.Permission(**about | changed)


def a_withdrawn_row(epoch: int, **changed: Any) -> permission_set_pb2.Permission:
    """The same, withdrawn."""
    withdrawn = permission_set_pb2.CHOICE_WITHDRAWN
    return a_given_row(choice=withdrawn, epoch=epoch, channels=[], **changed)


def a_set_message(
    subject: str, serial: int = 1, *rows: permission_set_pb2.Permission, **changed: Any
) -> permission_set_pb2.PermissionSet:
    """A person's whole set; one given row unless others are given."""
    return permission_set_pb2.PermissionSet(
        subject=subject, serial=serial, permissions=rows or [a_given_row()], **changed
    )


def a_set(
    subject: str, serial: int = 1, *rows: permission_set_pb2.Permission, **changed: Any
) -> PermissionSet:
    """The domain's set."""
    return permission_set_of(a_set_message(subject, serial, *rows, **changed))


def a_permission(**changed: Any) -> Permission:
    """A given permission."""
    about: dict[str, Any] = {
        "purpose": "family",
        "controller": "hmrc",
        "choice": Choice.GIVEN,
        "epoch": 3,
        "channels": frozenset({"inbox", "stream"}),
        "expires_at": None,
        "basis": "explicit_consent",
    }
    return Permission(**about | changed)


def an_ask(**changed: Any) -> Ask:
    """A prompt at the gate, decided on epoch 3 and serial 7."""
    about: dict[str, Any] = {
        "purpose": "family",
        "controller": "hmrc",
        "epoch": 3,
        "permission_serial": 7,
        "channel": "stream",
        "expires_at": NOW + timedelta(days=1),
        "basis": "explicit_consent",
    }
    return Ask(**about | changed)


def a_stream_item(position: int, **changed: Any) -> StreamItem:
    """A sealed prompt at a position."""
    about: dict[str, Any] = {
        "subject": "a" * 26,
        "prompt_id": new_random_id(),
        "position": position,
        "fence": 1,
        "nudge": "family.child-benefit",
        "traceparent": TRACEPARENT,
        "ask": an_ask(),
    }
    return StreamItem(**about | changed)
