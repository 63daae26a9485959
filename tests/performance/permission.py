"""Permission: how fast the gate is, and how soon a no, a death and a recall hold beside events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count, cycle
from typing import Final

from demo.evidence import percentile
from demo.publishing import Record
from demo.screens import Screen, screens
from demo.stage import Stage
from demo.town.people import Townsperson
from joinedup.client import Choices
from tests.performance.bench import Bench
from tests.performance.gate import gate
from tests.performance.report import Result

EVENTS_A_SECOND: Final = 50.0
SECONDS: Final = 20.0
DEATHS: Final = 15
SCREENS: Final = 4
MOVE_SECONDS: Final = 1.5
_REFUSED: Final = ("family", "hmrc")
_MOVING: Final = (("moving", "council"), ("moving", "dvla"))


@dataclass(slots=True)
class Seen:
    """What one run showed, in seconds."""

    refused: list[float] = field(default_factory=list)
    deaths: list[float] = field(default_factory=list)
    recalled: list[float] = field(default_factory=list)


async def permission(bench: Bench) -> list[Result]:
    """Withdrawals, deaths and recalls at once, beside a steady rate of events."""
    stage = await bench.town()
    mourned = (each for each in stage.players.others if each.nation != "NI")
    permitting = [each for each in stage.players.known if each.nino and each.nation != "NI"]
    # Another day each time: the same fact told again would be decided as that.
    days = count(1)
    runs = []
    async with screens(stage, permitting[:SCREENS]) as shown:
        for _ in range(bench.runs):
            runs.append(await _run(stage, shown, mourned, days))
            bench.say(_told(runs[-1]))
    at = f"at {EVENTS_A_SECOND:.0f} events/s"
    refused, deaths = [each.refused for each in runs], [each.deaths for each in runs]
    recalled = [each.recalled for each in runs]
    claims = await gate(bench)
    return [
        *claims,
        Result(f"a withdrawal takes effect, p50 {at}", "ms", _ms(refused, 0.5), target=50),
        Result(f"a withdrawal takes effect, p99.9 {at}", "ms", _ms(refused, 0.999), target=2500),
        Result("a death published until all is silent, p99", "ms", _ms(deaths, 0.99), target=1000),
        Result("a no until a screen is told, p99", "ms", _ms(recalled, 0.99), target=5000),
    ]


async def _run(
    stage: Stage, shown: list[Screen], mourned: Iterator[Townsperson], days: Iterator[int]
) -> Seen:
    seen, record = Seen(), Record()
    events = stage.script.events(int(EVENTS_A_SECOND * SECONDS))
    async with asyncio.TaskGroup() as works:
        load = works.create_task(
            stage.departments.publish_all(events, a_second=EVENTS_A_SECOND, record=record)
        )
        works.create_task(_refuse(stage, seen.refused, load))
        works.create_task(_mourn(stage, mourned, seen.deaths))
        for each in shown:
            works.create_task(_recall(stage, each, days, seen.recalled, load))
    if record.failed:
        raise RuntimeError(f"not all events came in: {dict(record.failed)}")
    return seen


async def _refuse(stage: Stage, seen: list[float], load: asyncio.Task[None]) -> None:
    """One person after the other takes back what they then permit again."""
    for person in cycle(stage.players.listening):
        if load.done():
            return
        choices = Choices(stage.fleet[person.sub].session)
        began = time.monotonic()
        answer = await choices.withdraw(*_REFUSED)
        seen.append(time.monotonic() - began)
        if not answer.HasField("took_effect_at"):
            raise RuntimeError("a withdrawal was still taking effect when it was answered")
        await choices.give(*_REFUSED)


async def _mourn(stage: Stage, mourned: Iterator[Townsperson], seen: list[float]) -> None:
    """A death now and then: its answer comes once every enforcement point is silent."""
    pause = SECONDS / DEATHS
    for _ in range(DEATHS):
        person, now = next(mourned), stage.now
        death = stage.registers.death(person, on=(now - timedelta(days=2)).date(), now=now)
        acked = await stage.departments.publish(death)
        seen.append(acked.seconds)
        await asyncio.sleep(max(0.0, pause - acked.seconds))


async def _recall(
    stage: Stage,
    screen: Screen,
    days: Iterator[int],
    seen: list[float],
    load: asyncio.Task[None],
) -> None:
    """A move brings prompts that nobody opens; then the person says no."""
    while not load.done():
        before = len(screen.shown)
        for each in _MOVING:
            await screen.choices.give(*each)
        on = (stage.now - timedelta(days=next(days))).date()
        move = stage.registers.move(screen.person, on=on, now=stage.now)
        await stage.departments.publish(move)
        await screen.until(shown=before + 1)
        began = time.monotonic()
        for each in _MOVING:
            await screen.choices.withdraw(*each)
        shown = screen.shown[before:]
        await screen.until(gone=len(set(screen.shown)))
        seen += [screen.gone_at[each] - began for each in shown]
        await asyncio.sleep(MOVE_SECONDS)


def _ms(runs: list[list[float]], share: float) -> list[float]:
    return [percentile(each, share) * 1000 for each in runs]


def _told(seen: Seen) -> str:
    return (
        f"{len(seen.refused)} withdrawals, p50 {percentile(seen.refused, 0.5) * 1000:.0f} ms, "
        f"longest {max(seen.refused) * 1000:.0f}; {len(seen.deaths)} deaths, longest "
        f"{max(seen.deaths) * 1000:.0f}; {len(seen.recalled)} recalls, longest "
        f"{max(seen.recalled) * 1000:.0f}"
    )
