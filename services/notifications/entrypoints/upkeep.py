"""What a process does by itself: keep its lease, sweep the ledger, tell outcomes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from services.kit.log_producer import LogUnavailable
from services.kit.retry import back_off
from services.kit.telemetry import log
from services.notifications import metrics
from services.notifications.domain.errors import (
    AccessLogsUnavailable,
    PermissionsUnavailable,
    StoreUnavailable,
)
from services.notifications.domain.lease import ServingLease
from services.notifications.domain.ledger import Channel, State
from services.notifications.handlers.hand_over_lines import hand_over_lines
from services.notifications.handlers.publish_outcomes import publish_outcomes
from services.notifications.handlers.sweep_ledger import sweep_ledger
from services.notifications.ports import (
    AccessLogs,
    AccessOutbox,
    LeaseRefused,
    Leases,
    Outbox,
    OutcomeLog,
    Sweep,
)

ASK_SECONDS: Final = 1.0
COUNT_EVERY: Final = 8
TELL_SECONDS: Final = 5.0
GATHER_SECONDS: Final = 0.25


class LeaseKeeper:
    """Holds this process's lease to serve: asked for, renewed each third of it, lost when it ends.

    Losing it closes every stream and stops every opening before identity counts the process as
    closed. After it is had again, nobody's prompts are served before their permissions were read
    anew (see Confirmed): what was withdrawn meanwhile took effect without this process.
    """

    def __init__(
        self,
        lease: ServingLease,
        leases: Leases,
        *,
        monotonic: Callable[[], float],
        serving: Callable[[], None],
        lost: Callable[[], None],
    ) -> None:
        self._lease = lease
        self._leases = leases
        self._monotonic = monotonic
        self._serving = serving
        self._lost = lost

    async def run(self) -> None:
        """Keep the lease for ever."""
        while True:
            length = await self._register()
            log(__name__).info("lease begins", extra={"seconds": length})
            self._serving()
            try:
                await self._keep(length)
            finally:
                self._lease.end()
                self._lost()
            metrics.LEASES_LOST.add(1)
            log(__name__).warning("lease lost")

    async def _register(self) -> float:
        for delay in back_off(last=2.0):
            asked_at = self._monotonic()
            try:
                length = await self._leases.register(ASK_SECONDS)
            except PermissionsUnavailable:
                await asyncio.sleep(delay)
            else:
                self._lease.begin(asked_at, length)
                return length
        raise AssertionError("back_off never ends")

    async def _keep(self, length: float) -> None:
        """Renew for as long as it lives."""
        while self._lease.alive:
            await asyncio.sleep(min(length / 3, self._lease.remaining_seconds()))
            for delay in back_off(first=0.1, last=0.5):
                left = self._lease.remaining_seconds()
                if not left:
                    return
                asked_at = self._monotonic()
                try:
                    async with asyncio.timeout(left):
                        length = await self._leases.renew(min(ASK_SECONDS, left))
                except LeaseRefused:
                    return
                except (PermissionsUnavailable, TimeoutError):
                    await asyncio.sleep(min(delay, self._lease.remaining_seconds()))
                else:
                    self._lease.renew(asked_at, length)
                    break


@dataclass(slots=True)
class Sweeper:
    """Sweeps the ledger now and then; `counts` is how many rows were unfinished last time."""

    sweep: Sweep
    now: Callable[[], datetime]
    wake: Callable[[Iterable[str]], None]
    every_seconds: float
    counts: Mapping[tuple[Channel, State], int] = field(default_factory=dict)

    async def run(self) -> None:
        """Sweep for ever; what one process leaves, the next finds."""
        turn = 0
        while True:
            try:
                swept = await sweep_ledger(self.sweep, now=self.now())
                metrics.LAPSED.add(len(swept.lapsed))
                metrics.EXPIRED.add(swept.expired)
                self.wake(swept.lapsed)
                if turn % COUNT_EVERY == 0:
                    self.counts = await self.sweep.unfinished()
            except StoreUnavailable:
                log(__name__).warning("ledger not swept")
            turn += 1
            await asyncio.sleep(self.every_seconds)


async def tell_outcomes(outbox: Outbox, outcomes: OutcomeLog) -> None:
    """Tell what people did with their prompts."""
    metrics.OUTCOMES.add(await publish_outcomes(outbox, outcomes))


async def tell_lines(outbox: AccessOutbox, logs: AccessLogs) -> None:
    """Hand lines of access logs over."""
    metrics.ACCESS_LINES.add(await hand_over_lines(outbox, logs))


class Teller:
    """Tells what an outbox holds soon after it is committed, and every few seconds in any case.

    It is gathered for a moment: nobody waits for it, and one transaction tells all of it.
    """

    def __init__(self, tell: Callable[[], Awaitable[None]], what: str) -> None:
        self._tell = tell
        self._what = what
        self._committed = asyncio.Event()

    def committed(self) -> None:
        """Something was put into the outbox."""
        self._committed.set()

    async def run(self) -> None:
        """Tell for ever; what cannot be told now stays in the outbox."""
        while True:
            self._committed.clear()
            try:
                await self._tell()
            except (AccessLogsUnavailable, LogUnavailable, StoreUnavailable) as away:
                extra = {"topic": self._what, "code": type(away).__name__}
                log(__name__).warning("outbox waits", extra=extra)
            try:
                async with asyncio.timeout(TELL_SECONDS):
                    await self._committed.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(GATHER_SECONDS)
