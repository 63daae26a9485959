"""The ledger puts itself in order."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.notifications.ports import Sweep

_AT_ONCE: Final = 500
# Longer than anything is worth showing.
_RECALLS_KEPT: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Swept:
    """What was put in order: whose claims lapsed, how many rows expired, recalls forgotten."""

    lapsed: list[str]
    expired: int
    forgotten: int


async def sweep_ledger(sweep: Sweep, *, now: datetime) -> Swept:
    """End what is no longer worth showing, then give back what was claimed and never sent."""
    expired = await _all(lambda: sweep.expire(now, _AT_ONCE))
    lapsed = await sweep.release_lapsed(_AT_ONCE)
    forgotten = await _all(lambda: sweep.forget_recalls(now - _RECALLS_KEPT, _AT_ONCE))
    return Swept(lapsed, expired, forgotten)


async def _all(work: Callable[[], Awaitable[int]]) -> int:
    """Do it until there is no more of it."""
    done = 0
    while True:
        some = await work()
        done += some
        if some < _AT_ONCE:
            return done
