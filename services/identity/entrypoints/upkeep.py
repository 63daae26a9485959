"""The work that nobody calls for: fences that are still to hold, permissions that run out."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from services.identity import metrics
from services.identity.domain.errors import StoreUnavailable
from services.identity.handlers.access import FORGOTTEN_AT_ONCE, forget_old_lines
from services.identity.handlers.choices import EXPIRED_AT_ONCE, end_expired
from services.identity.handlers.fencing import Fencing
from services.identity.ports import Clock, Store
from services.identity.ports.access import AccessLog
from services.kit.telemetry import log

FENCE_EVERY_SECONDS: Final = 1.0
EXPIRE_EVERY_SECONDS: Final = 5.0
FORGET_EVERY_SECONDS: Final = 60.0


async def keep_fencing(fencing: Fencing, stop: asyncio.Event) -> None:
    """Call again for every fence that was left, until stopped."""

    async def work() -> bool:
        metrics.fences_pending(await fencing.hold_pending())
        return False

    await _every(FENCE_EVERY_SECONDS, work, stop)


async def keep_expiring(store: Store, clock: Clock, stop: asyncio.Event) -> None:
    """End permissions whose time is over, until stopped."""

    async def work() -> bool:
        ended = await end_expired(store, clock.now())
        metrics.permissions_expired(ended)
        return ended == EXPIRED_AT_ONCE

    await _every(EXPIRE_EVERY_SECONDS, work, stop)


async def keep_forgetting(
    access_log: AccessLog, kept: timedelta, clock: Clock, stop: asyncio.Event
) -> None:
    """Forget lines of access logs that were kept for long enough, until stopped."""

    async def work() -> bool:
        forgotten = await forget_old_lines(access_log, clock.now(), kept)
        metrics.access_lines("forgotten", forgotten)
        return forgotten == FORGOTTEN_AT_ONCE

    await _every(FORGET_EVERY_SECONDS, work, stop)


async def _every(seconds: float, work: Callable[[], Awaitable[bool]], stop: asyncio.Event) -> None:
    """Do the work now and then; at once again while it says that there is more."""
    while not stop.is_set():
        more = False
        try:
            more = await work()
        except StoreUnavailable:
            log(__name__).warning("upkeep waits", extra={"retry_in_seconds": seconds})
        if not more:
            try:
                await asyncio.wait_for(stop.wait(), seconds)
            except TimeoutError:
                continue
