"""What goes silent because of an event, or speaks again, in the event's own transaction."""

from dataclasses import replace
from datetime import datetime

from services.identity.domain.child_case import CHILD, Cases
from services.identity.domain.permission import Flag, put_marks
from services.identity.handlers.asked import Asked
from services.identity.ports import FlagRow, Transaction


def flags_of(asked: Asked, cases: Cases) -> list[FlagRow]:
    """Whom an event marks: those it fences, and every child who may be the one that died.

    What is said for certain concerns one child. Otherwise each that may be meant is held; so is a
    child that is told of only after the loss. `cases` knows it from now on.
    """
    flags = _of_loss(asked, cases) if asked.states_a_loss else _of_late_child(asked, cases)
    for each in flags:
        cases.lose(each.handle, each.event_id)
    return flags


def _of_loss(asked: Asked, cases: Cases) -> list[FlagRow]:
    rule, case = asked.type.fence, asked.case
    if rule is None:
        return []
    meant = {each.handle for each in asked.named if each.person.role == rule.role}
    if case is not None:
        meant.add(case.anchor)
        certain = case.kind == CHILD
        perhaps = [] if certain else asked.possible_cases(cases)
        meant |= {each.anchor for each in perhaps if each.kind == CHILD}
    return [FlagRow(handle, rule.flag, asked.event.event_id) for handle in sorted(meant)]


def _of_late_child(asked: Asked, cases: Cases) -> list[FlagRow]:
    case = asked.case
    if case is None or not asked.case_is_new:
        return []
    losses = {event_id for each in asked.possible_cases(cases) for event_id in each.lost_by}
    return [FlagRow(case.anchor, Flag.DECEASED, event_id) for event_id in sorted(losses)]


async def silence(
    tx: Transaction, asked: Asked, flags: list[FlagRow], now: datetime
) -> tuple[str, ...]:
    """Put up or lift the marks; answers who is silent now.

    The event takes its place in its entry meanwhile, between the two looks at who is silent. A
    fence that an earlier event left unconfirmed must hold before this one is answered too.
    """
    rows = tx.permissions
    about = {each.handle for each in flags} | ({asked.case.anchor} if asked.case else set())
    said = [each.event_id for each in asked.placed.joined]
    touched = await rows.touched(sorted(about), said)
    before = await rows.lock(touched)
    await tx.events.place([asked.placed])
    await rows.flag(flags)
    after = await rows.read(touched)
    for handle in touched:
        known = before[handle]
        if asked.case is not None and handle in asked.joined:
            # Of a case that was closed before they were joined to it, nobody was told yet.
            known = replace(known, closed_cases=known.closed_cases - {asked.case.case_id})
        outcome = put_marks(known, after[handle].flags, after[handle].closed_cases)
        if outcome.after.serial != known.serial:
            await rows.save(outcome, now)
    return tuple(handle for handle in touched if after[handle].marks)
