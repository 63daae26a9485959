"""What the service does: admit a life event, follow it, count the decisions about it."""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.events.domain import strict_json
from services.events.domain.admission import (
    Application,
    Assertion,
    Progress,
    Receipt,
    Standing,
    digest_of,
    is_event_id,
    mark_of,
)
from services.events.domain.errors import (
    EventInvalid,
    EventNotFound,
    IdempotencyMismatch,
    InProgress,
    Refused,
    ScopeDenied,
    StoreUnavailable,
)
from services.events.domain.event_type import EventType
from services.events.domain.faults import Fault, in_order
from services.events.domain.life_event import LifeEvent, read_life_event
from services.events.domain.rules import broken_rules
from services.events.ports import Admissions, EventLog, Register, Subjects


@dataclass(frozen=True)
class Door:
    """What an event passes on its way in."""

    register: Register
    admissions: Admissions
    subjects: Subjects
    log: EventLog
    now: Callable[[], datetime]


@dataclass(frozen=True)
class _Candidate:
    """An event without fault; `facts` are those that may stand on the log."""

    assertion: Assertion
    event: LifeEvent
    facts: Mapping[str, Any]
    application: Application


async def admit_life_event(
    door: Door, assertion: Assertion, body: bytes, traceparent: str
) -> Receipt:
    """Admit one event; when this returns, every record of it is on the log.

    Raises Refused, InProgress or Unavailable. Whatever it raises, the assertion is used up.
    """
    at = door.now()
    try:
        told = strict_json.read(body)
        event_type = _type_in_scope(door.register, assertion.publisher, told)
        _check(door.register, event_type, told, at)
    except Refused:
        await door.admissions.spend(assertion)
        raise
    candidate = _candidate(event_type, told, assertion, at, traceparent)
    claim = await door.admissions.apply(assertion, candidate.application)
    if claim.standing is Standing.OTHER_BODY:
        raise IdempotencyMismatch
    if claim.standing is Standing.IN_PROGRESS:
        raise InProgress
    if claim.standing is Standing.OURS:
        await _bring_in(door, candidate, claim.received_at)
    return Receipt(candidate.event.event_id, duplicate=claim.standing is Standing.DONE)


async def follow_event(admissions: Admissions, assertion: Assertion, event_id: str) -> Progress:
    """Where one of the publisher's own events stands; raises Refused or StoreUnavailable."""
    await admissions.spend(assertion)
    if not is_event_id(event_id):
        raise EventNotFound
    progress = await admissions.progress(assertion.publisher, event_id)
    if progress is None:
        raise EventNotFound
    return progress


async def mark_decided(admissions: Admissions, decided: Iterable[tuple[str, str]]) -> None:
    """Count decisions, each given as (event id, subject); one that comes twice counts once."""
    marks = {(event_id, mark_of(event_id, subject)) for event_id, subject in decided}
    await admissions.mark_decided(sorted(marks))


async def forget_assertions(admissions: Admissions, now: datetime) -> None:
    """Forget assertions that have expired; while the store is away they wait."""
    with contextlib.suppress(StoreUnavailable):
        await admissions.forget_expired(now)


async def _bring_in(door: Door, candidate: _Candidate, received_at: datetime) -> None:
    try:
        resolution = await door.subjects.resolve(candidate.event)
        records = await door.log.append(candidate.event, candidate.facts, resolution, received_at)
        await door.admissions.settle(candidate.application, records, door.now())
    except Exception:
        await _let_go(door.admissions, candidate)
        raise


async def _let_go(admissions: Admissions, candidate: _Candidate) -> None:
    # Where the store is away too, the claim's lease runs out by itself.
    with contextlib.suppress(StoreUnavailable):
        await admissions.let_go(candidate.assertion, candidate.application)


def _type_in_scope(register: Register, publisher: str, told: Any) -> EventType:
    """The type that a body names, if this publisher may send it for the source it names."""
    if not isinstance(told, dict):
        raise EventInvalid([Fault("", "type_wrong", "must be an object: one CloudEvent")])
    name, source = told.get("type"), told.get("source")
    if name is None:
        raise EventInvalid([Fault("/type", "field_required")])
    if not isinstance(name, str):
        raise EventInvalid([Fault("/type", "type_wrong")])
    if register.is_prohibited(name):
        raise EventInvalid([Fault("/type", "event_type_prohibited")])
    event_type = register.event_type(name)
    if event_type is None:
        raise EventInvalid([Fault("/type", "event_type_unknown")])
    entry = register.publisher(publisher)
    both = entry is not None and entry.may_publish(name)
    if entry is None or not both or not event_type.may_be_published_by(publisher):
        raise ScopeDenied
    if isinstance(source, str) and not entry.speaks_for(source):
        raise ScopeDenied
    return event_type


def _check(
    register: Register, event_type: EventType, told: Mapping[str, Any], at: datetime
) -> None:
    faults = in_order([*register.faults(event_type, told), *broken_rules(told, at)])
    if faults:
        raise EventInvalid(faults)


def _candidate(
    event_type: EventType,
    told: Mapping[str, Any],
    assertion: Assertion,
    at: datetime,
    traceparent: str,
) -> _Candidate:
    event = read_life_event(told, assertion.publisher)
    application = Application(
        event_id=event.event_id,
        publisher=event.publisher,
        source=told["source"],
        id=told["id"],
        type=event.type,
        digest=digest_of(told),
        at=at,
        traceparent=traceparent,
    )
    return _Candidate(assertion, event, event_type.minimised(event.facts), application)
