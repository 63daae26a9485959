"""Serves people for whom something waits: woken by whoever knows, and by asking the ledger."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from services.kit.tasks import end_tasks
from services.kit.telemetry import context_from, log, span
from services.notifications import metrics
from services.notifications.domain.errors import (
    LeaseLost,
    NotificationsError,
    PermissionsUnavailable,
    StoreUnavailable,
)
from services.notifications.domain.lease import Confirmed, ServingLease
from services.notifications.domain.ledger import Channel
from services.notifications.domain.prompt import StreamItem
from services.notifications.handlers.claim_due import Claiming, claim_due
from services.notifications.handlers.confirm_permissions import confirm_permissions
from services.notifications.handlers.feed_streams import feed_streams
from services.notifications.ports import Claimed, WakeUps

WORKERS: Final = 4
# So many people's rows are locked together: few enough that nobody's no waits long for theirs.
AT_ONCE: Final = 20
DUE_MOST: Final = 500
# Writes that complete within this time are marked together.
GATHER_SECONDS: Final = 0.01
TRY_AGAIN_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Serving:
    """What the dispatcher stands on."""

    claiming: Claiming
    confirmed: Confirmed
    lease: ServingLease
    wake_ups: WakeUps
    now: Callable[[], datetime]
    claim_lease: timedelta
    poll_seconds: float


class Dispatcher:
    """Claims what is due and feeds the streams, a few people at once.

    Whatever it misses (a crash, a wake-up that was lost, identity or the database being away)
    stays in the ledger, where it is asked for again every `poll_seconds`.
    """

    def __init__(self, on: Serving) -> None:
        self._on = on
        self._waiting: dict[str, None] = {}
        self._busy: set[str] = set()
        self._work = asyncio.Event()
        self._written: list[StreamItem] = []
        self._marks = asyncio.Event()

    def wake(self, subjects: Iterable[str]) -> None:
        """Something waits for these people."""
        self._waiting.update(dict.fromkeys(subjects))
        self._work.set()

    def written(self, item: StreamItem) -> None:
        """A frame's write has completed."""
        self._written.append(item)
        self._marks.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until stopped."""
        tasks = [asyncio.create_task(self._work_off()) for _ in range(WORKERS)]
        tasks += [asyncio.create_task(self._poll()), asyncio.create_task(self._mark_written())]
        stopped = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait({*tasks, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end_tasks((*tasks, stopped))
        for task in done - {stopped}:
            await task
        await self._mark()

    async def _work_off(self) -> None:
        while True:
            await self._work.wait()
            batch = self._take()
            if not batch:
                continue
            try:
                await self._serve(batch)
            except (PermissionsUnavailable, StoreUnavailable, LeaseLost) as away:
                # It all stays in the ledger, and the next poll asks for it again.
                log(__name__).warning("nothing served", extra={"code": type(away).__name__})
                await asyncio.sleep(TRY_AGAIN_SECONDS)
            finally:
                self._busy.difference_update(batch)
                self._work.set()

    def _take(self) -> list[str]:
        """The next people, none of whom another worker is busy with."""
        batch = [each for each in self._waiting if each not in self._busy][:AT_ONCE]
        for each in batch:
            del self._waiting[each]
        self._busy.update(batch)
        if not batch:
            self._work.clear()
        return batch

    async def _serve(self, batch: Sequence[str]) -> None:
        on = self._on
        term = await confirm_permissions(
            batch,
            confirmed=on.confirmed,
            lease=on.lease,
            permissions=on.claiming.permissions,
            gate=on.claiming.gate,
        )
        await self._claim(batch, partial(on.lease.require, term))
        for subject in batch:
            on.lease.require(term)
            await feed_streams(subject, on.claiming.ledger, on.claiming.streams, now=on.now())

    async def _claim(self, batch: Sequence[str], guard: Callable[[], None]) -> None:
        clock = asyncio.get_running_loop().time
        started = clock()
        guard()
        claimed = await claim_due(
            *(batch, self._on.claiming),
            now=self._on.now(),
            lease=self._on.claim_lease,
            guard=guard,
        )
        metrics.CLAIM_SECONDS.record(clock() - started)
        streamed = {row.subject for row in claimed.rows if row.channel is Channel.STREAM}
        if streamed:
            # Their devices at other replicas are to get it too.
            self._on.wake_ups.call(streamed)
        if claimed.more:
            self.wake(batch)
        _tell(claimed)

    async def _poll(self) -> None:
        on = self._on
        while True:
            if on.lease.alive:
                try:
                    self.wake(await self._due())
                except StoreUnavailable:
                    log(__name__).warning("the ledger is away")
            await asyncio.sleep(on.poll_seconds)

    async def _due(self) -> list[str]:
        on, ledger = self._on, self._on.claiming.ledger
        due = await ledger.due_inboxes(on.now(), DUE_MOST)
        reached = on.claiming.streams.reached()
        return due + (await ledger.due_streams(reached, on.now()) if reached else [])

    async def _mark_written(self) -> None:
        while True:
            await self._marks.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._marks.clear()
            await self._mark()

    async def _mark(self) -> None:
        items, self._written = self._written, []
        if not items:
            return
        try:
            await self._on.claiming.ledger.mark_sent(items, self._on.now())
        except NotificationsError:
            # They stay claimed, lapse, and are sent once more: a device shows each prompt once.
            log(__name__).warning("writes not marked", extra={"count": len(items)})


def _tell(claimed: Claimed) -> None:
    """Spans and counts of what the gate did, each in the trace of its own journey."""
    for row in claimed.rows:
        metrics.CLAIMS.add(1, {"joinedup.channel": row.channel.value})
        attributes = _attributes(row.prompt_id, row.channel, row.nudge, "claimed")
        with span("prompt claim", attributes=attributes, context=context_from(row.traceparent)):
            pass
    for stopped in claimed.stopped:
        metrics.STOPPED.add(1, {"joinedup.reason": stopped.reason.value})
        attributes = _attributes(stopped.prompt_id, stopped.channel, stopped.nudge, "stopped")
        attributes["joinedup.reason"] = stopped.reason.value
        with span("prompt claim", attributes=attributes, context=context_from(stopped.traceparent)):
            pass


def _attributes(prompt_id: str, channel: Channel, nudge: str, outcome: str) -> dict[str, str]:
    return {
        "joinedup.prompt_id": prompt_id,
        "joinedup.channel": channel.value,
        "joinedup.nudge": nudge,
        "joinedup.outcome": outcome,
    }
