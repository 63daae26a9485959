"""What is measured, each on the same platform with everything switched on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from demo.acts import opening, play
from demo.evidence import openable_ms, percentile
from demo.publishing import Record
from demo.scene import PEOPLE, SEED
from demo.stage import Stage, open_stage
from deploy.local.platform import Platform
from deploy.local.settings import ROOT, External
from services.kit.ids import new_random_id
from services.kit.log_producer import LogProducer
from services.kit.topics import Topic, create_topics
from tests.performance.report import Result

HOME: Final = ROOT / "build" / "bench-run"
# Beside the ports of a platform that somebody may be using, and of the tests.
PORT_BASE: Final = 30_000
EVENTS_A_SECOND: Final = 50.0
SECONDS: Final = 20.0
_OWN: Final = ("events", "identity", "nudges", "notifications", "portal")
_IDLE_SECONDS: Final = 10.0
_PROBES: Final = 500


@dataclass(slots=True)
class Bench:
    """One platform that the measures share; started when the first one needs it."""

    runs: int
    say: Callable[[str], None]
    home: Path = HOME
    platform: Platform | None = None
    stage: Stage | None = None
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def up(self) -> Platform:
        """The platform, started if it is not up yet."""
        if self.platform is None:
            self.platform = await asyncio.to_thread(
                Platform.start, self.home, PORT_BASE, external=External()
            )
        return self.platform

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
            stage = open_stage(platform, seed=SEED, size=PEOPLE)
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


async def up_warm(bench: Bench) -> list[Result]:
    """From nothing running, with data there, to everything ready."""
    await bench.up()
    runs = []
    for _ in range(bench.runs):
        await bench.down()
        began = time.monotonic()
        await bench.up()
        runs.append(time.monotonic() - began)
    return [Result("up from warm", "s", runs, target=20.0)]


async def idle_memory(bench: Bench) -> list[Result]:
    """The proportional memory of our own Python processes, a while after the start."""
    platform = await bench.up()
    runs = []
    for _ in range(bench.runs):
        await asyncio.sleep(_IDLE_SECONDS)
        rows = await asyncio.to_thread(platform.status)
        runs.append(sum(row.memory_mb for row in rows if row.name in _OWN))
    return [Result("memory of our processes, idle", "MB", runs, target=900.0)]


async def registration(bench: Bench) -> list[Result]:
    """Two thousand people registered, found again in all runs but the first of a home."""
    stage = await bench.town()
    runs = []
    for _ in range(bench.runs):
        began = time.monotonic()
        await opening.register_town(stage)
        runs.append(time.monotonic() - began)
    return [Result(f"{PEOPLE} people registered", "s", runs, target=15.0)]


async def journey(bench: Bench) -> list[Result]:
    """Events at a steady rate: acknowledged, and openable on a device; p50 and p99 of each."""
    stage = await bench.town()
    await _play(stage, 5.0)
    acks: list[list[float]] = []
    openable: list[list[float]] = []
    raw: list[list[float]] = []
    for _ in range(bench.runs):
        # In turns, so that whatever else the machine does falls on both.
        raw.append(await _log_alone(stage.endpoints["kafka"]))
        taken, opened = await _play(stage, SECONDS)
        acks.append(taken)
        openable.append(opened)
        bench.say(
            f"{len(taken)} events, {len(opened)} prompts; acknowledged p50 "
            f"{percentile(taken, 0.5):.1f} ms, openable p50 {percentile(opened, 0.5):.1f} ms"
        )
    log = "acknowledged by the log alone, p50"
    rate = f"at {EVENTS_A_SECOND:.0f} events/s"
    return [
        Result(log, "ms", _each(raw, 0.5)),
        Result(f"publish acknowledged, p50 {rate}", "ms", _each(acks, 0.5), log, 25.0),
        Result(f"publish acknowledged, p99 {rate}", "ms", _each(acks, 0.99)),
        Result(f"event openable, p50 {rate}", "ms", _each(openable, 0.5), None, 250.0),
        Result(f"event openable, p99 {rate}", "ms", _each(openable, 0.99), None, 2000.0),
    ]


MEASURES: Final[Mapping[str, Callable[[Bench], Awaitable[list[Result]]]]] = MappingProxyType(
    {
        "up": up_warm,
        "memory": idle_memory,
        "registration": registration,
        "journey": journey,
    }
)


async def _play(stage: Stage, seconds: float) -> tuple[list[float], list[float]]:
    events = stage.script.events(int(EVENTS_A_SECOND * seconds))
    record = Record()
    await stage.departments.publish_all(events, a_second=EVENTS_A_SECOND, record=record)
    issued = await play.outcome(stage, events, record, seconds=120)
    return [each.seconds * 1000 for each in record.acked], openable_ms(issued, stage.fleet)


async def _log_alone(bootstrap: str) -> list[float]:
    """The baseline: the same producer, one record after the other, nothing around it."""
    topic = Topic(
        topic="bench.v1",
        description="Records of a benchmark.",
        value="bytes",
        key="random",
        producers=("bench",),
        consumers=(),
        partitions=4,
        retention_hours=1,
        compacted=False,
        personal_data="none",
    )
    await asyncio.to_thread(create_topics, bootstrap, [topic])
    producer = LogProducer(bootstrap, "bench")
    await producer.start()
    found = []
    try:
        for _ in range(_PROBES):
            began = time.monotonic()
            await producer.send(topic.topic, new_random_id().encode(), bytes(400), [])
            found.append((time.monotonic() - began) * 1000)
    finally:
        await producer.close()
    return found


def _each(runs: list[list[float]], share: float) -> list[float]:
    return [percentile(each, share) for each in runs]
