"""What is measured, each on the same platform with everything switched on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from demo.acts import opening, play
from demo.evidence import openable_ms, percentile
from demo.publishing import Record
from demo.scene import PEOPLE
from demo.stage import Stage
from services.kit.ids import new_random_id
from services.kit.log_producer import LogProducer
from services.kit.topics import Topic, create_topics
from tests.performance.bench import Bench
from tests.performance.door import door
from tests.performance.equality import equality
from tests.performance.permission import permission
from tests.performance.processor import per_event_ms, used_seconds
from tests.performance.report import Result

EVENTS_A_SECOND: Final = 50.0
CALM_A_SECOND: Final = 10.0
SECONDS: Final = 20.0
WARM_UP_SECONDS: Final = 20.0
_OWN: Final = ("events", "identity", "nudges", "notifications", "portal")
_IDLE_SECONDS: Final = 10.0
_PROBES: Final = 500


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
    # Just-in-time compilers, plans and pools have settled by then.
    await _play(stage, EVENTS_A_SECOND, WARM_UP_SECONDS)
    raw, calm, busy = [], [], []
    for _ in range(bench.runs):
        # In turns, so that whatever else the machine does falls on all of them.
        raw.append(percentile(await _log_alone(stage.endpoints["kafka"]), 0.5))
        calm.append(await _play(stage, CALM_A_SECOND, SECONDS))
        busy.append(await _play(stage, EVENTS_A_SECOND, SECONDS))
        for played in (calm[-1], busy[-1]):
            bench.say(played.told())
    alone = Result("acknowledged by the log alone, p50", "ms", raw)
    return [
        alone,
        *_figures(calm, f"at {CALM_A_SECOND:.0f} events/s", None),
        *_figures(busy, f"at {EVENTS_A_SECOND:.0f} events/s", alone.name),
        Result("processor time of one event", "ms", [each.cpu_ms for each in busy]),
    ]


MEASURES: Final[Mapping[str, Callable[[Bench], Awaitable[list[Result]]]]] = MappingProxyType(
    {
        "up": up_warm,
        "memory": idle_memory,
        "registration": registration,
        "journey": journey,
        "door": door,
        "equality": equality,
        "permission": permission,
    }
)


@dataclass(frozen=True, slots=True)
class Played:
    """What one play showed, in milliseconds."""

    rate: float
    acks: list[float]
    openable: list[float]
    cpu: dict[str, float]
    """Processor time of one event, by process."""

    @property
    def cpu_ms(self) -> float:
        """Processor time of one event, all processes together."""
        return sum(self.cpu.values())

    def told(self) -> str:
        """In one line."""
        most = sorted(self.cpu, key=lambda name: -self.cpu[name])[:6]
        shares = ", ".join(f"{name} {self.cpu[name]:.1f}" for name in most)
        return (
            f"{self.rate:.0f}/s: {len(self.acks)} events, {len(self.openable)} prompts; "
            f"acknowledged p50 {percentile(self.acks, 0.5):.1f} ms, openable p50 "
            f"{percentile(self.openable, 0.5):.1f} ms; {self.cpu_ms:.1f} ms of processor for one "
            f"event ({shares})"
        )


async def _play(stage: Stage, rate: float, seconds: float) -> Played:
    events = stage.script.events(int(rate * seconds))
    record = Record()
    before = used_seconds(stage.platform)
    await stage.departments.publish_all(events, a_second=rate, record=record)
    issued = await play.outcome(stage, events, record, seconds=120)
    return Played(
        rate,
        [each.seconds * 1000 for each in record.acked],
        openable_ms(issued, stage.fleet.transcripts),
        per_event_ms(before, used_seconds(stage.platform), len(events)),
    )


def _figures(plays: list[Played], at: str, baseline: str | None) -> list[Result]:
    """Only the rate that something is promised for has a baseline and targets."""
    promised = baseline is not None

    def of(what: str, share: float) -> list[float]:
        return [percentile(getattr(each, what), share) for each in plays]

    return [
        Result(
            f"publish acknowledged, p50 {at}",
            "ms",
            of("acks", 0.5),
            baseline,
            25.0 if promised else None,
        ),
        Result(f"publish acknowledged, p99 {at}", "ms", of("acks", 0.99)),
        Result(
            f"event openable, p50 {at}",
            "ms",
            of("openable", 0.5),
            target=250.0 if promised else None,
        ),
        Result(
            f"event openable, p99 {at}",
            "ms",
            of("openable", 0.99),
            target=2000.0 if promised else None,
        ),
    ]


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
