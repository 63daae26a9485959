"""Making a change hold at every enforcement point before it is said to hold."""

import asyncio
from dataclasses import dataclass, field

from services.identity.ports import Clock, EnforcementPoint, FenceBook, FenceCaller, Pause

CALL_SECONDS = 2.0
PAUSE_SECONDS = 0.1
PENDING_AT_ONCE = 50


@dataclass
class _Confirmed:
    """Who has confirmed one fence."""

    serial: int
    instances: set[str] = field(default_factory=set)


class Fencing:
    """Calls every process with a live lease until each has confirmed, or its lease has run out.

    A process that registers later needs no call: it serves nobody whose permissions it has not
    read after it got its lease, and a lease is committed before it is announced.
    """

    def __init__(self, book: FenceBook, caller: FenceCaller, clock: Clock, pause: Pause) -> None:
        self._book = book
        self._caller = caller
        self._clock = clock
        self._pause = pause

    async def hold(self, handle: str, within_seconds: float) -> int:
        """Processes that have not confirmed the person's fence within the time; 0 when it holds."""
        deadline = self._clock.monotonic() + within_seconds
        confirmed = _Confirmed(serial=-1)
        while True:
            left = max(PAUSE_SECONDS, deadline - self._clock.monotonic())
            outstanding = await self._once(handle, confirmed, min(CALL_SECONDS, left))
            if not outstanding or self._clock.monotonic() + PAUSE_SECONDS >= deadline:
                return outstanding
            await self._pause(PAUSE_SECONDS)

    async def hold_pending(self) -> int:
        """One call for every fence that is still asked for; answers how many are left."""
        handles = await self._book.pending_handles(PENDING_AT_ONCE)
        left = await asyncio.gather(
            *(self._once(each, _Confirmed(-1), CALL_SECONDS) for each in handles)
        )
        return sum(outstanding > 0 for outstanding in left)

    async def _once(self, handle: str, confirmed: _Confirmed, call_seconds: float) -> int:
        goal = await self._book.pending(handle)
        if goal is None:
            return 0
        if goal.serial != confirmed.serial:
            # Something else ended meanwhile: what was confirmed before did not include it.
            confirmed.serial, confirmed.instances = goal.serial, set()
        missing = _missing(await self._book.live_points(), confirmed)
        answers = await asyncio.gather(
            *(
                self._caller.fence(point.address, goal.permissions, call_seconds)
                for point in missing
            )
        )
        confirmed.instances.update(
            point.instance for point, held in zip(missing, answers, strict=True) if held
        )
        outstanding = _missing(missing, confirmed)
        if not outstanding:
            await self._book.complete(handle, goal.serial, self._clock.now())
        return len(outstanding)


def _missing(points: list[EnforcementPoint], confirmed: _Confirmed) -> list[EnforcementPoint]:
    return [point for point in points if point.instance not in confirmed.instances]
