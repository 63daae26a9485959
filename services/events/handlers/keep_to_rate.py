"""No publisher takes more than its share of the door."""

import asyncio
from collections.abc import Callable

from services.events.domain.errors import RateExceeded
from services.events.domain.rate import Allowance, Limits
from services.events.ports import Register


class Rates:
    """What every publisher has left, in this process.

    Each process of the service counts by itself: the limit is there so that one publisher's bad day
    is not everybody's, not to meter anybody.
    """

    def __init__(self, register: Register, monotonic: Callable[[], float]) -> None:
        self._register = register
        self._monotonic = monotonic
        self._allowances: dict[str, Allowance] = {}

    def take(self, publisher: str, events: int) -> None:
        """Count events that a publisher sends; raises RateExceeded, and then counts none."""
        wait = self._take(publisher, self._limits(publisher), events)
        if wait:
            raise RateExceeded(wait)

    async def take_in_time(self, publisher: str, events: int) -> None:
        """Wait until the publisher may send as many: for ways in that can hold a sender back."""
        while events > 0:
            limits = self._limits(publisher)
            part = min(events, limits.burst)
            wait = self._take(publisher, limits, part)
            if wait:
                await asyncio.sleep(wait)
            else:
                events -= part

    def _limits(self, publisher: str) -> Limits:
        entry = self._register.publisher(publisher)
        return entry.limits if entry is not None else Limits()

    def _take(self, publisher: str, limits: Limits, events: int) -> float:
        now = self._monotonic()
        kept = self._allowances.get(publisher)
        if kept is None or kept.limits != limits:
            kept = self._allowances[publisher] = Allowance.full(limits, now)
        return kept.take(events, now)
