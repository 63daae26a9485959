"""Whether an event may come in, as far as it can be said without asking anybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.events.domain import strict_json
from services.events.domain.admission import Submission, in_sandbox
from services.events.domain.attempt import Attempt, read_attempt
from services.events.domain.errors import (
    BasisNotYours,
    EventInvalid,
    Refused,
    ScopeDenied,
    TooLarge,
)
from services.events.domain.event_type import EventType
from services.events.domain.faults import Fault, in_order
from services.events.domain.life_event import LifeEvent, read_life_event
from services.events.domain.own_basis import is_outside_gateway
from services.events.domain.rules import broken_rules
from services.events.domain.strict_json import MAX_BYTES
from services.events.ports import Register


@dataclass(frozen=True)
class Judged:
    """An event without fault; `facts` are those that may stand on the log.

    `sandbox` keeps it in the sandbox; `alone` is told of one whose type fences.
    """

    told: Mapping[str, Any]
    event: LifeEvent
    facts: Mapping[str, Any]
    sandbox: bool
    alone: bool


def judge_event(register: Register, submission: Submission, at: datetime) -> Judged | Refused:
    """The event of a submission, or why it is refused: read, in scope, by its type's rules."""
    try:
        told = _told(submission.body)
        event_type, sandbox = _in_scope(register, submission, told)
        if is_outside_gateway(event_type, told, submission.bases):
            raise BasisNotYours
        _check(register, event_type, told, at, sandbox=sandbox)
    except Refused as refused:
        return refused
    publisher = in_sandbox(submission.publisher) if sandbox else submission.publisher
    event = read_life_event(told, publisher)
    facts = event_type.minimised(event.facts)
    return Judged(told, event, facts, sandbox, alone=event_type.fences and not sandbox)


def attempt_of(register: Register, submission: Submission, refused: Refused) -> Attempt | None:
    """The attempt to go past what a publisher may do, where a refusal was of one.

    What comes from a sandbox stays there, also when it is refused.
    """
    entry = register.publisher(submission.publisher)
    outside = isinstance(refused, ScopeDenied | BasisNotYours)
    if not outside or entry is None or entry.sandbox:
        return None
    told = _told(submission.body)
    return read_attempt(submission.publisher, told, refused.reason, submission.traceparent)


def _told(body: bytes | Mapping[str, Any] | Refused) -> Any:
    if isinstance(body, Refused):
        raise body
    if not isinstance(body, bytes):
        return body
    if len(body) > MAX_BYTES:
        raise TooLarge
    return strict_json.read(body)


def _in_scope(register: Register, submission: Submission, told: Any) -> tuple[EventType, bool]:
    """The type that a body names, if this publisher may send it for the source it names.

    And whether it stays in the sandbox: there a type need not know its publisher.
    """
    publisher = submission.publisher
    if not isinstance(told, dict):
        raise EventInvalid([Fault("", "type_wrong", "must be an object: one CloudEvent")])
    event_type = _named(register, told.get("type"))
    source = told.get("source")
    entry = register.publisher(publisher)
    if entry is None or not entry.may_publish(event_type.name):
        raise ScopeDenied
    if not entry.sandbox and not event_type.may_be_published_by(publisher):
        raise ScopeDenied
    if submission.scope is not None and event_type.name not in submission.scope:
        raise ScopeDenied
    if isinstance(source, str) and not entry.speaks_for(source):
        raise ScopeDenied
    return event_type, entry.sandbox


def _named(register: Register, name: Any) -> EventType:
    if name is None:
        raise EventInvalid([Fault("/type", "field_required")])
    if not isinstance(name, str):
        raise EventInvalid([Fault("/type", "type_wrong")])
    if register.is_prohibited(name):
        raise EventInvalid([Fault("/type", "event_type_prohibited")])
    event_type = register.event_type(name)
    if event_type is None:
        raise EventInvalid([Fault("/type", "event_type_unknown")])
    return event_type


def _check(
    register: Register,
    event_type: EventType,
    told: Mapping[str, Any],
    at: datetime,
    *,
    sandbox: bool,
) -> None:
    broken = register.faults(event_type, told, sandbox=sandbox)
    faults = in_order([*broken, *broken_rules(told, at)])
    if faults:
        raise EventInvalid(faults)
