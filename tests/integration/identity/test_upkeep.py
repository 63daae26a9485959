"""What nobody calls for is done all the same, and goes on after the database was away."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import cast

import pytest

from joinedup.identity.v1 import permissions_pb2 as pb
from services.identity.domain.errors import StoreUnavailable
from services.identity.entrypoints import upkeep
from services.identity.handlers.fencing import Fencing
from services.identity.wire.values import timestamp
from services.kit.clock import SystemClock
from tests.integration.identity.running import Point, eventually

pytestmark = pytest.mark.integration


@asynccontextmanager
async def beside(work):
    """Work that runs until the test is over, and then ends by itself when told to."""
    stop = asyncio.Event()
    task = asyncio.create_task(work(stop))
    yield
    stop.set()
    async with asyncio.timeout(2):
        await task


async def test_a_permission_that_runs_out_ends_and_is_fenced(identity, mair, register_point):
    in_an_hour = identity.clock.now() + timedelta(hours=1)
    await identity.permissions_of(mair).Give(
        pb.GiveRequest(
            purpose="family",
            controller="hmrc",
            agreement_hash=await identity.agreement_hash(),
            expires_at=timestamp(in_an_hour),
        )
    )
    later = SystemClock(timedelta(hours=2))
    async with Point(identity) as point:
        await register_point(identity, point)
        async with (
            beside(lambda stop: upkeep.keep_expiring(identity.store, later, stop)),
            beside(lambda stop: upkeep.keep_fencing(identity.fencing, stop)),
        ):
            async with asyncio.timeout(8):
                await point.asked.wait()

            async def holds():
                return await identity.store.took_effect_at(mair, "family", "hmrc")

            assert await eventually(holds)
    assert [(each.serial, each.permissions[0].epoch) for each in point.fenced] == [(2, 1)]


class AwayOnce:
    """Fencing whose database is away at the first call."""

    def __init__(self) -> None:
        self.calls = 0
        self.called_again = asyncio.Event()

    async def hold_pending(self) -> int:
        self.calls += 1
        if self.calls == 1:
            raise StoreUnavailable
        self.called_again.set()
        return 0


async def test_upkeep_goes_on_after_the_database_was_away(monkeypatch):
    monkeypatch.setattr(upkeep, "FENCE_EVERY_SECONDS", 0.01)
    fencing = AwayOnce()
    work = partial(upkeep.keep_fencing, cast("Fencing", fencing))

    async with beside(work), asyncio.timeout(5):
        await fencing.called_again.wait()
