"""Whether the time of an answer tells a department who is known here."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from demo.departments import Registers, Sent, new_run
from demo.evidence import percentile
from demo.stage import Stage
from demo.town.numbers import ninos
from tests.performance.bench import Bench
from tests.performance.load import Connection, Desk
from tests.performance.report import Result

PAIRS: Final = 2_000
WARM_UP_PAIRS: Final = 200
_ACCEPTED: Final = 202


async def equality(bench: Bench, pairs: int = PAIRS) -> list[Result]:
    """Pairs of events that differ in one number: somebody known has it, or nobody ever had it."""
    stage = await bench.town()
    desk = Desk(stage.endpoints["events_http"], stage.home.publisher_keys)
    await _times(desk, stage, min(pairs, WARM_UP_PAIRS))
    known, unseen, told = [], [], []
    for _ in range(bench.runs):
        times = await _times(desk, stage, pairs)
        known.append(percentile(times[True], 0.5))
        unseen.append(percentile(times[False], 0.5))
        told.append(100 * told_apart(times[True], times[False]))
        bench.say(
            f"known {known[-1]:.2f} ms, never seen {unseen[-1]:.2f} ms; told apart {told[-1]:.1f} %"
        )
    baseline = "acknowledged for somebody known, p50"
    return [
        Result(baseline, "ms", known),
        Result("acknowledged for somebody never seen, p50", "ms", unseen, baseline),
        Result("known told from never seen by time (50: by chance)", "%", told, target=55.0),
    ]


def told_apart(some: Sequence[float], others: Sequence[float]) -> float:
    """How often the better guesser names the slower of one of each: 0.5 by chance, 1 always.

    The area under the curve of whoever guesses by a limit of time, from the sum of ranks (Mann and
    Whitney); those that took equally long have their mean rank.
    """
    times = sorted([*((each, True) for each in some), *((each, False) for each in others)])
    ranks, start = 0.0, 0
    while start < len(times):
        end = start
        while end < len(times) and times[end][0] == times[start][0]:
            end += 1
        ranks += (start + 1 + end) / 2 * sum(mine for _, mine in times[start:end])
        start = end
    least = len(some) * (len(some) + 1) / 2
    area = (ranks - least) / (len(some) * len(others))
    return max(area, 1 - area)


async def _times(desk: Desk, stage: Stage, pairs: int) -> dict[bool, list[float]]:
    """Milliseconds to each answer, by whether the person is known; one after the other."""
    asked = [*_pairs(stage, pairs)]
    random.shuffle(asked)
    found: dict[bool, list[float]] = {True: [], False: []}
    connection = await Connection.open(desk.url)
    try:
        for is_known, sent in asked:
            request = desk.one(sent)
            began = time.perf_counter()
            status, _body = await connection.send(request)
            found[is_known].append((time.perf_counter() - began) * 1000)
            if status != _ACCEPTED:
                raise RuntimeError(f"an event did not come in: {status}")
    finally:
        connection.close()
    return found


def _pairs(stage: Stage, count: int) -> Iterator[tuple[bool, Sent]]:
    """Moves of people of the town, and the same of a number that nobody has; all of one size."""
    rng, now = random.Random(secrets.randbits(32)), datetime.now(UTC)
    people = [each for each in stage.town if each.nino]
    fresh = ninos(rng, frozenset(each.nino for each in people))
    registers = Registers(new_run())
    on = (now - timedelta(days=3)).date()
    for person in rng.choices(people, k=count):
        yield True, registers.move(person, on=on, now=now)
        yield False, registers.move(replace(person, nino=next(fresh)), on=on, now=now)
