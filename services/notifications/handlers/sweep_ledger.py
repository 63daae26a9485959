"""The ledger puts itself in order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.notifications.ports import Sweep

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Swept:
    """What was put in order: whose claims lapsed, and how many rows expired."""

    lapsed: list[str]
    expired: int


async def sweep_ledger(sweep: Sweep, *, now: datetime) -> Swept:
    """End what is no longer worth showing, then give back what was claimed and never sent."""
    expired = 0
    while True:
        ended = await sweep.expire(now, _AT_ONCE)
        expired += ended
        if ended < _AT_ONCE:
            break
    return Swept(await sweep.release_lapsed(_AT_ONCE), expired)
