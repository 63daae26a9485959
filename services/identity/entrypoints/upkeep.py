"""The work nobody calls for: fences still to hold, permissions that run out, doubts to tell."""

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
DOUBT_EVERY_SECONDS: Final = 30.0
FORGET_EVERY_SECONDS: Final = 60.0


async def keep_fencing(fencing: Fencing, stop: asyncio.Event) -> None:
    """Call again for every fence that was left, until stopped."""

    async def work() -> bool:
        metrics.fences_pending(await fencing.hold_pending())
        return False

    await _every(FENCE_EVERY_SECONDS, work, stop)


async def keep_doubts_counted(store: Store, stop: asyncio.Event) -> None:
    """Say how many losses wait for their register to tell which child it was, until stopped."""
    told: set[str] = set()

    async def work() -> bool:
        doubtful = set(await store.doubtful_losses())
        metrics.losses_doubtful(len(doubtful))
        for event_id in sorted(doubtful - told):
            log(__name__).warning(
                "a loss may be about more than one child", extra={"event_id": event_id}
            )
        told.update(doubtful)
        return False

    await _every(DOUBT_EVERY_SECONDS, work, stop)


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
