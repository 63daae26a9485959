"""The decision: one pure function from a life event to what becomes of every nudge it may answer.

A statement that no longer stood when it came brings nothing. What one about an earlier entry does
to that entry's prompts is the word its type has for it (`Effect`). Everything else passes stages,
in this order, and the first that says no is the reason that is given; a person without permission
is never looked at any further.

1. a mark on the person (deceased), or the case is closed (a child was lost)
2. the person is known to be an adult
3. the nudge answers events of that day
4. permission; a statutory notice and a vital interest ask for none
5. still worth showing
6. the condition
7. fulfilled already
8. timing: now, or later
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.nudges.domain.decision import (
    Decision,
    NudgeDecision,
    Outcome,
    SuppressionReason,
    prompt_id,
)
from services.nudges.domain.eligibility import eligible, used_facts
from services.nudges.domain.life_event import LifeEvent, Standing
from services.nudges.domain.nudge import Catalogue, Effect, Nudge
from services.nudges.domain.permission import Allowed, Permission, PermissionSet, may
from services.nudges.domain.timing import parameters, window

# Nobody younger, and nobody who may be younger, is prompted directly.
ADULT: Final = 18

_NO_LONGER: Final[Mapping[Standing, SuppressionReason]] = {
    Standing.CANCELLED: SuppressionReason.EVENT_CANCELLED,
    Standing.REPLACED: SuppressionReason.EVENT_REPLACED,
    Standing.REPEATED: SuppressionReason.EVENT_REPEATED,
}


def decide(
    event: LifeEvent, permissions: PermissionSet, catalogue: Catalogue, now: datetime
) -> Decision:
    """What becomes of every nudge that answers this type, role and nation, in their ids' order.

    A correction that is decided again, and a cancellation, speak of every nudge of the type: whom
    the entry addressed before is not known here. A nudge that this event fulfils is called off as
    well, whatever event it was planned for.
    """
    effect = catalogue.effect(event)
    decided = _decided(event, effect, permissions, catalogue, now)
    return Decision(
        event_id=event.event_id,
        root_event_id=event.prompt_root,
        subject=event.subject,
        event_type=event.type,
        role=event.role,
        occurred=event.occurred.text,
        publisher=event.publisher,
        recorded_at=event.recorded_at,
        decided_at=now,
        permission_serial=permissions.serial,
        catalogue_revision=catalogue.revision,
        nudges=tuple(sorted(decided, key=lambda each: each.nudge)),
        withdraws_entry=effect is Effect.WITHDRAW and event.standing is Standing.IN_FORCE,
        case_id=event.case_id,
    )


def _decided(
    event: LifeEvent,
    effect: Effect | None,
    permissions: PermissionSet,
    catalogue: Catalogue,
    now: datetime,
) -> list[NudgeDecision]:
    answering = catalogue.by_type.get(event.type, ())
    addressed = [nudge for nudge in answering if nudge.addresses(event)]
    undecided = _undecided(event, effect)
    if undecided is not None:
        return [_suppress(nudge, undecided, _row(nudge, permissions)) for nudge in addressed]
    if effect is Effect.WITHDRAW:
        cancelled = SuppressionReason.EVENT_CANCELLED
        return [_call_off(nudge, cancelled, _prompt_id(nudge, event)) for nudge in answering]
    if effect is Effect.RECONSIDER:
        decided = [_reconsider(nudge, event, permissions, now) for nudge in answering]
    else:
        decided = [_answer(nudge, event, permissions, now) for nudge in addressed]
    return decided + [
        _call_off(nudge, SuppressionReason.FULFILLED_ALREADY)
        for nudge in catalogue.called_off_by.get(event.type, ())
    ]


def _undecided(event: LifeEvent, effect: Effect | None) -> SuppressionReason | None:
    """Why nothing is decided about a statement; None when something is."""
    if event.standing is not Standing.IN_FORCE:
        return _NO_LONGER[event.standing]
    return SuppressionReason.CORRECTION_KEPT if effect is Effect.KEEP else None


def _reconsider(
    nudge: Nudge, event: LifeEvent, permissions: PermissionSet, now: datetime
) -> NudgeDecision:
    """The prompt as the corrected entry has it, or the end of the one that stood before."""
    named = _prompt_id(nudge, event)
    if not nudge.addresses(event):
        return _call_off(nudge, SuppressionReason.NOT_IN_AUDIENCE, named)
    decided = _answer(nudge, event, permissions, now)
    if decided.outcome.means_a_prompt:
        return decided
    return replace(decided, outcome=Outcome.CANCELLED, prompt_id=named)


def _answer(
    nudge: Nudge, event: LifeEvent, permissions: PermissionSet, now: datetime
) -> NudgeDecision:
    row = _row(nudge, permissions)
    marks = permissions.marks(event.case_id)
    if marks.silence is not None:
        return _suppress(nudge, marks.silence, row)
    if event.age_years is None:
        return _suppress(nudge, SuppressionReason.AGE_UNKNOWN, row)
    if event.age_years < ADULT:
        return _suppress(nudge, SuppressionReason.UNDER_AGE, row)
    if not nudge.effective(event.recorded_at):
        return _suppress(nudge, SuppressionReason.NUDGE_NOT_EFFECTIVE, row)
    verdict = may(nudge.lawful_basis, row, marks, nudge.channels, now)
    if isinstance(verdict, SuppressionReason):
        return _suppress(nudge, verdict, row)
    return _offer(nudge, event, row, verdict, now)


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


def _row(nudge: Nudge, permissions: PermissionSet) -> Permission | None:
    return permissions.row(nudge.purpose, nudge.controller)


def _prompt_id(nudge: Nudge, event: LifeEvent) -> str:
    return prompt_id(event.prompt_root, nudge.id, nudge.major, 0, event.subject)
