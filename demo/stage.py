"""Everything the acts share: the platform, its addresses, the town, departments and devices."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from demo.departments import Registers, new_run
from demo.devices import Fleet
from demo.log import Lag
from demo.publishing import Acked, Departments
from demo.scene import set_scene
from demo.script import Cast, Script
from demo.town.people import Townsperson
from demo.traces import Traces
from deploy.local.platform import Platform
from joinedup.cli.home import Home
from joinedup.cli.operator import Operator

EVENTS_A_SECOND: Final = 20.0
PLAY_SECONDS: Final = 20.0
# Departments outlast a broker's restart: they try again for this long, under the same event id.
PATIENCE_SECONDS: Final = 180.0


@dataclass(slots=True)
class Stage:
    """One run of the demo on a running platform."""

    platform: Platform
    home: Home
    endpoints: dict[str, str]
    town: tuple[Townsperson, ...]
    players: Cast
    registers: Registers
    script: Script
    traces: Traces
    departments: Departments
    operator: Operator
    fleet: Fleet
    lag: Lag
    story: Acked | None = None
    """The mother's birth event, once it was published."""

    @property
    def now(self) -> datetime:
        """The present, in UTC."""
        return datetime.now(UTC)

    def told(self) -> Acked:
        """The mother's birth event; only after it was published."""
        if self.story is None:
            raise RuntimeError("the birth was not published yet")
        return self.story


@asynccontextmanager
async def open_stage(
    platform: Platform, *, seed: int, size: int, traced: float = 1.0
) -> AsyncIterator[Stage]:
    """Everything connected, nothing published yet; all of it closed afterwards.

    `traced` is the share of journeys that leave a trace.
    """
    town, players = set_scene(seed, size)
    # A run's events are new ones also on a warm platform, so their numbers are too.
    run = new_run()
    home, endpoints = Home(platform.home), platform.endpoints
    registers = Registers(run)
    async with AsyncExitStack() as stack:
        traces = Traces(endpoints["traces"], instance=f"demo-{run.lower()}", share=traced)
        stack.push_async_callback(traces.close)
        departments = await stack.enter_async_context(
            Departments(
                home.publishers(),
                keys=home.path / "keys" / "publishers",
                url=endpoints["events_http"],
                patience_seconds=PATIENCE_SECONDS,
                tracer_provider=traces.provider("department"),
            )
        )
        operator = await stack.enter_async_context(Operator(home))
        lag = Lag(endpoints["kafka"])
        stack.callback(lag.close)
        fleet = Fleet(
            players.listening,
            endpoints=endpoints,
            home=home.path,
            tracer_provider=traces.provider("device"),
        )
        stack.push_async_callback(fleet.close)
        yield Stage(
            platform=platform,
            home=home,
            endpoints=endpoints,
            town=town,
            players=players,
            registers=registers,
            script=Script(players, registers, seed=secrets.randbits(32), now=datetime.now(UTC)),
            traces=traces,
            departments=departments,
            operator=operator,
            fleet=fleet,
            lag=lag,
        )
