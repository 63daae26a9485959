"""What an event's type fences goes silent, or speaks again, in the event's own transaction."""

from datetime import datetime

from services.identity.domain.event_type import FenceRule
from services.identity.domain.permission import put_flags
from services.identity.handlers.asked import Asked
from services.identity.ports import Transaction


async def silence(tx: Transaction, asked: Asked, rule: FenceRule, now: datetime) -> tuple[str, ...]:
    """Put up or lift what the event's type fences; answers who is silent now.

    The event takes its place in its entry meanwhile, between the two looks at who is silent. A
    fence that an earlier event left unconfirmed must hold before this one is answered too.
    """
    event, rows = asked.event, tx.permissions
    meant = [each.handle for each in asked.named if each.person.role == rule.role]
    flagged = meant if event.reason.states_a_fact else []
    said = [each.event_id for each in asked.placed.joined]
    touched = sorted({*flagged, *await rows.flagged_by(said)})
    before = await rows.lock(touched)
    await tx.events.place([asked.placed])
    for handle in flagged:
        await rows.flag(handle, rule.flag, event.event_id)
    after = await rows.read(touched)
    for handle in touched:
        outcome = put_flags(before[handle], after[handle].flags)
        if outcome.after.serial != before[handle].serial:
            await rows.save(outcome, now)
    return tuple(handle for handle in touched if after[handle].flags)
