"""Processes that stream or open content ask for the right to."""

from services.identity.domain.errors import LeaseExpired
from services.identity.ports import EnforcementPoint, FenceBook


async def register_enforcement_point(book: FenceBook, point: EnforcementPoint) -> None:
    """From now on the process is asked before anything is said to hold everywhere."""
    await book.register(point)


async def renew_lease(book: FenceBook, instance: str) -> None:
    """Prolong a live lease; raises LeaseExpired for one that has run out."""
    if not await book.renew(instance):
        raise LeaseExpired
