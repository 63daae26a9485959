"""The platform that the measures share, with the town on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from demo.acts import opening
from demo.scene import PEOPLE, SEED
from demo.stage import Stage, open_stage
from deploy.local.errors import PortTaken
from deploy.local.platform import Platform
from deploy.local.settings import ROOT, External

HOME: Final = ROOT / "build" / "bench-run"
# Beside the ports of a platform that somebody may be using, and of the tests.
PORT_BASES: Final = range(11_000, 13_000, 500)
# As an operator samples under load; the demo traces everything.
TRACED: Final = 0.05


@dataclass(slots=True)
class Bench:
    """One platform that the measures share; started with empty stores when the first one needs it.

    What earlier runs left behind would be measured too, and a little more of it each time.
    """

    runs: int
    say: Callable[[str], None]
    home: Path = HOME
    platform: Platform | None = None
    stage: Stage | None = None
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _fresh: bool = True

    async def up(self) -> Platform:
        """The platform, started if it is not up yet."""
        if self.platform is None:
            self.platform = await asyncio.to_thread(self._start)
        return self.platform

    def _start(self) -> Platform:
        fresh, self._fresh = self._fresh, False
        start = partial(
            Platform.start,
            self.home,
            external=External(),
            settings={"SERVICES_TRACE_SAMPLE_RATIO": str(TRACED)},
            fresh=fresh,
        )
        for base in PORT_BASES[:-1]:
            with contextlib.suppress(PortTaken):
                return start(base)
        return start(PORT_BASES[-1])

    async def down(self) -> None:
        """Stop the platform; its data stays, so the next start is a warm one."""
        await self.stack.aclose()
        self.stage = None
        if self.platform is not None:
            await asyncio.to_thread(self.platform.stop)
            self.platform = None

    async def town(self) -> Stage:
        """The stage with the town registered, its players' choices made, its devices on."""
        if self.stage is None:
            platform = await self.up()
            stage = open_stage(platform, seed=SEED, size=PEOPLE, traced=TRACED)
            self.stage = await self.stack.enter_async_context(stage)
            for act in (
                opening.register_town,
                opening.give_permissions,
                opening.switch_devices_on,
            ):
                self.say(await act(self.stage))
        return self.stage

    async def close(self) -> None:
        """Stop everything."""
        with contextlib.suppress(asyncio.CancelledError):
            await self.down()
