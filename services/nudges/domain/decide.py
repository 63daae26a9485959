"""The decision: one pure function from a life event to what becomes of every nudge it may answer.

The stages stand in this order, and the first that says no is the reason that is given; a person
without permission is never looked at any further.

1. the register withdrew the fact: what was planned for it is called off
2. a mark on the person (deceased)
3. the nudge answers events of that day
4. permission; a statutory notice asks for none
5. still worth showing
6. the condition
7. fulfilled already
8. timing: now, or later
"""

from datetime import datetime

from services.nudges.domain.decision import (
    Decision,
    NudgeDecision,
    Outcome,
    SuppressionReason,
    prompt_id,
)
from services.nudges.domain.eligibility import eligible, used_facts
from services.nudges.domain.life_event import LifeEvent, Reason
from services.nudges.domain.nudge import Catalogue, LawfulBasis, Nudge
from services.nudges.domain.permission import Allowed, Permission, PermissionSet, may, silenced
from services.nudges.domain.timing import parameters, window


def decide(
    event: LifeEvent, permissions: PermissionSet, catalogue: Catalogue, now: datetime
) -> Decision:
    """What becomes of every nudge that answers this type, role and nation, in their ids' order.

    A nudge that this event fulfils is called off as well, whatever event it was planned for.
    """
    answered = [
        _answer(nudge, event, permissions, now)
        for nudge in catalogue.by_type.get(event.type, ())
        if event.role in nudge.roles and event.nation in nudge.nations
    ]
    called_off = [
        _call_off(nudge, SuppressionReason.FULFILLED_ALREADY)
        for nudge in catalogue.called_off_by.get(event.type, ())
        if event.reason is not Reason.CANCELLED
    ]
    return Decision(
        event_id=event.event_id,
        subject=event.subject,
        event_type=event.type,
        role=event.role,
        occurred=event.occurred.text,
        publisher=event.publisher,
        recorded_at=event.recorded_at,
        decided_at=now,
        permission_serial=permissions.serial,
        catalogue_revision=catalogue.revision,
        nudges=tuple(sorted(answered + called_off, key=lambda each: each.nudge)),
    )


def _answer(
    nudge: Nudge, event: LifeEvent, permissions: PermissionSet, now: datetime
) -> NudgeDecision:
    row = permissions.row(nudge.purpose, nudge.controller)
    if event.reason is Reason.CANCELLED:
        return _call_off(nudge, SuppressionReason.EVENT_CANCELLED, _prompt_id(nudge, event))
    marked = silenced(permissions.flags)
    if marked is not None:
        return _suppress(nudge, marked, row)
    if not nudge.effective(event.recorded_at):
        return _suppress(nudge, SuppressionReason.NUDGE_NOT_EFFECTIVE, row)
    verdict = _permitted(nudge, row, permissions, now)
    if isinstance(verdict, SuppressionReason):
        return _suppress(nudge, verdict, row)
    return _offer(nudge, event, row, verdict, now)


def _permitted(
    nudge: Nudge, row: Permission | None, permissions: PermissionSet, now: datetime
) -> Allowed | SuppressionReason:
    if nudge.lawful_basis is LawfulBasis.STATUTORY_NOTICE:
        return Allowed(tuple(sorted(nudge.channels)))
    return may(row, permissions.flags, nudge.channels, now)


def _offer(
    nudge: Nudge, event: LifeEvent, row: Permission | None, allowed: Allowed, now: datetime
) -> NudgeDecision:
    span = window(nudge, event.occurred, now)
    if isinstance(span, SuppressionReason):
        return _suppress(nudge, span, row)
    if not eligible(nudge.condition, event):
        return _suppress(nudge, SuppressionReason.NOT_ELIGIBLE, row, event)
    if nudge.unless & event.fulfilled_types:
        return _suppress(nudge, SuppressionReason.FULFILLED_ALREADY, row, event)
    return NudgeDecision(
        nudge=nudge.id,
        version=nudge.version,
        outcome=Outcome.ISSUED if span.due_at <= now else Outcome.SCHEDULED,
        purpose=nudge.purpose,
        controller=nudge.controller,
        prompt_id=_prompt_id(nudge, event),
        epoch=row.epoch if row is not None else 0,
        due_at=span.due_at,
        expires_at=span.expires_at,
        channels=allowed.channels,
        parameters=parameters(nudge, event.occurred),
        facts=used_facts(nudge.condition, event),
    )


def _suppress(
    nudge: Nudge,
    reason: SuppressionReason,
    row: Permission | None,
    looked_at: LifeEvent | None = None,
) -> NudgeDecision:
    return NudgeDecision(
        nudge=nudge.id,
        version=nudge.version,
        outcome=Outcome.SUPPRESSED,
        purpose=nudge.purpose,
        controller=nudge.controller,
        reasons=(reason,),
        epoch=row.epoch if row is not None else 0,
        facts=used_facts(nudge.condition, looked_at) if looked_at is not None else (),
    )


def _call_off(nudge: Nudge, reason: SuppressionReason, named: str = "") -> NudgeDecision:
    return NudgeDecision(
        nudge=nudge.id,
        version=nudge.version,
        outcome=Outcome.CANCELLED,
        purpose=nudge.purpose,
        controller=nudge.controller,
        reasons=(reason,),
        prompt_id=named,
    )


def _prompt_id(nudge: Nudge, event: LifeEvent) -> str:
    return prompt_id(event.prompt_root, nudge.id, nudge.major, 0, event.subject)
