"""Somebody asks why, or why not."""

from services.notifications.domain import explanation
from services.notifications.domain.access_line import Look
from services.notifications.domain.errors import NothingExplained
from services.notifications.domain.explanation import Explanation
from services.notifications.ports import Decisions


async def explain(an_id: str, subject: str | None, look: Look, decisions: Decisions) -> Explanation:
    """What became of an event, by its id or by the id of a prompt it led to.

    A person sees their own decision alone; nobody in particular (an operator) sees all of the
    event's, and no person. Raises NothingExplained.
    """
    found = await decisions.look_up(an_id, subject, look)
    if found is None:
        raise NothingExplained
    return explanation.explain(found.kept, found.deliveries, found.statements)
