"""What an event's type fences goes silent, or speaks again, in the event's own transaction."""

from datetime import datetime

from services.identity.domain.life_event import LifeEvent, Reason
from services.identity.domain.permission import put_flags
from services.identity.handlers.asked import Asked
from services.identity.ports import Transaction


async def silence(tx: Transaction, asked: Asked, now: datetime) -> tuple[str, ...]:
    """Put up or lift what the event's type fences; answers who is silent now.

    A fence that an earlier event left unconfirmed must hold before this one is answered too.
    """
    event, rule, rows = asked.event, asked.type.fence, tx.permissions
    if rule is None:
        await _replace(tx, event)
        return ()
    meant = [each.handle for each in asked.named if each.person.role == rule.role]
    flagged = meant if event.reason.states_a_fact else []
    touched = sorted({*flagged, *await rows.flagged_by(event)})
    before = await rows.lock(touched)
    await _replace(tx, event)
    for handle in flagged:
        await rows.flag(handle, rule.flag, event.event_id)
    after = await rows.read(touched)
    for handle in touched:
        outcome = put_flags(before[handle], after[handle].flags)
        if outcome.after.serial != before[handle].serial:
            await rows.save(outcome, now)
    return tuple(handle for handle in touched if after[handle].flags)


async def _replace(tx: Transaction, event: LifeEvent) -> None:
    if not event.supersedes:
        return
    if event.reason is Reason.CANCELLATION_REMOVED:
        await tx.events.restore(event)
    else:
        await tx.events.supersede(event)
