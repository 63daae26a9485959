"""What became of an event, as far as its publisher may know, and what is kept for that."""

import contextlib
from collections.abc import Iterable
from datetime import datetime

from services.events.domain.admission import Assertion, Progress, is_event_id, mark_of
from services.events.domain.errors import EventNotFound, NotAuthenticated, StoreUnavailable
from services.events.ports import Admissions


async def use_up(admissions: Admissions, assertion: Assertion) -> None:
    """Use an assertion up for all that comes with it.

    Raises NotAuthenticated when it was used before, StoreUnavailable.
    """
    if not all(await admissions.spend([assertion])):
        raise NotAuthenticated("assertion_replayed")


async def follow_event(admissions: Admissions, assertion: Assertion, event_id: str) -> Progress:
    """Where one of the publisher's own events stands; raises Refused or StoreUnavailable."""
    await use_up(admissions, assertion)
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
