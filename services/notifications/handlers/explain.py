"""Somebody asks why, or why not."""

from services.notifications.domain import explanation
from services.notifications.domain.errors import NothingExplained
from services.notifications.domain.explanation import Explanation
from services.notifications.ports import Decisions


async def explain(an_id: str, subject: str | None, decisions: Decisions) -> Explanation:
    """What became of an event, by its id or by the id of a prompt it led to.

    A person sees their own decision alone; nobody in particular (an operator) sees all of the
    event's, and no person. Raises NothingExplained.
    """
    event_id = an_id
    kept = await decisions.of_event(event_id, subject)
    if not kept:
        event_id = await decisions.event_of(an_id, subject) or an_id
        kept = await decisions.of_event(event_id, subject)
    if not kept:
        raise NothingExplained
    prompts = [nudge.prompt_id for each in kept for nudge in each.decision.nudges]
    return explanation.explain(
        kept,
        await decisions.deliveries(prompts, subject),
        await decisions.statements(kept[0].decision.root_event_id, subject),
    )
