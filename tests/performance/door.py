"""The door: how much comes in, by each way, with everything switched on."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import grpc

from demo.departments import Registers, Sent, new_run
from demo.evidence import percentile
from demo.stage import Stage
from demo.town.people import Townsperson
from demo.waiting import seen
from joinedup.events.v1 import life_events_pb2 as pb
from joinedup.events.v1.life_events_pb2_grpc import LifeEventsStub
from tests.performance.bench import Bench
from tests.performance.files import files
from tests.performance.load import Desk, as_fast_as_answered, at_rate
from tests.performance.processor import machine_speed, per_event_ms, used_seconds
from tests.performance.report import Result

if TYPE_CHECKING:
    from joinedup.events.v1.life_events_pb2_grpc import LifeEventsAsyncStub

ONE_BY_ONE: Final = 3000
A_SECOND: Final = 300.0
IN_NUMBERS: Final = 16_000
BATCH: Final = 500
CONNECTIONS: Final = 32
BATCHES_AT_ONCE: Final = 4
IN_A_MESSAGE: Final = 50
STREAM_SECONDS: Final = 120.0
DRAIN_SECONDS: Final = 120.0
_ADULT, _RETIRED, _MOTHERS = 18, 66, range(18, 46)

Way = Callable[[Stage, Desk, Sequence[Sent]], Awaitable[int]]
"""Writes down what will be sent; awaited, it publishes that and answers how many events came in."""


@dataclass(frozen=True, slots=True)
class _Load:
    """Where it goes, and what is said on the way."""

    stage: Stage
    desk: Desk
    say: Callable[[str], None]


async def door(bench: Bench) -> list[Result]:
    """Events a second by each way in, and how soon a single one is acknowledged."""
    stage = await bench.town()
    desk = Desk(stage.endpoints["events_http"], stage.home.path / "keys" / "publishers")
    load = _Load(stage, desk, bench.say)
    ways: dict[str, tuple[Way, int]] = {
        "single events": (_singly, ONE_BY_ONE),
        "batches": (_batches, IN_NUMBERS),
        "gRPC streams": (_streams, IN_NUMBERS),
    }
    # Just-in-time compilers, plans and pools have settled by then.
    await _batches(stage, desk, draw(stage, IN_NUMBERS // 2))
    await _drained(stage)
    rates: dict[str, list[float]] = defaultdict(list)
    costs: dict[str, list[float]] = defaultdict(list)
    acks: list[list[float]] = []
    speeds: list[float] = []
    for _ in range(bench.runs):
        # In turns, so that whatever else the machine does falls on all of them.
        speeds.append(await asyncio.to_thread(machine_speed))
        load.say(f"the machine itself: {speeds[-1]:.0f} thousand turns of a loop a second")
        acks.append(await _acks(load))
        for name, (way, count) in ways.items():
            rate, cost = await _one(load, name, way, draw(stage, count))
            rates[name].append(rate)
            costs[name].append(cost)
    return [
        Result("the machine itself, all processors busy", "thousand turns/s", speeds),
        Result(
            f"single events, acknowledged p50 at {A_SECOND:.0f}/s", "ms", _at(acks, 0.5), target=25
        ),
        Result(f"single events, acknowledged p99 at {A_SECOND:.0f}/s", "ms", _at(acks, 0.99)),
        Result("single events", "events/s", rates["single events"], None, 400, at_least=True),
        Result("batches", "events/s", rates["batches"], None, 2000, at_least=True),
        Result("gRPC streams", "events/s", rates["gRPC streams"], "batches", 2000, at_least=True),
        *(
            Result(f"{name}: processor time of one event", "ms", spent)
            for name, spent in costs.items()
        ),
        *await files(bench, stage),
    ]


def draw(stage: Stage, count: int) -> list[Sent]:
    """So many events, of all of the town in turns, as a register's extract would be."""
    registers, now = Registers(new_run()), datetime.now(UTC)
    rng = random.Random(secrets.randbits(32))
    people = [each for each in stage.town if each.nino or each.driver_number]
    found: list[Sent] = []
    while len(found) < count:
        rng.shuffle(people)
        found += [_event_of(each, registers, rng, now) for each in people[: count - len(found)]]
    return found


def _event_of(person: Townsperson, registers: Registers, rng: random.Random, now: datetime) -> Sent:
    on = (now - timedelta(days=rng.randint(1, 25))).date()
    able = ["move"] if person.nino else []
    if person.nino and person.sex == "F" and person.age() in _MOTHERS:
        able.append("birth")
    if person.nino and _ADULT <= person.age() < _RETIRED and person.nation != "NI":
        able.append("universal credit")
    if person.driver_number and person.nation != "NI":
        able.append("licence")
    match rng.choice(able or ["move"]):
        case "birth":
            return registers.birth(person, None, child="Ada", on=on, now=now)
        case "universal credit":
            return registers.universal_credit(person, children=True, on=on, now=now)
        case "licence":
            return registers.licence(person, on=on, now=now)
        case _:
            return registers.move(person, on=on, now=now)


async def _one(load: _Load, name: str, way: Way, events: Sequence[Sent]) -> tuple[float, float]:
    """Events a second, and what one cost in the end, in milliseconds of processor."""
    stage = load.stage
    publishing = way(stage, load.desk, events)
    before, began = used_seconds(stage.platform), time.perf_counter()
    accepted = await publishing
    rate = accepted / (time.perf_counter() - began)
    if accepted < len(events):
        raise RuntimeError(f"{name}: {len(events) - accepted} of {len(events)} did not come in")
    await _drained(stage)
    spent = per_event_ms(before, used_seconds(stage.platform), len(events))
    most = ", ".join(f"{n} {spent[n]:.2f}" for n in sorted(spent, key=lambda n: -spent[n])[:6])
    load.say(f"{name}: {rate:.0f} events/s; {sum(spent.values()):.2f} ms of processor ({most})")
    return rate, sum(spent.values())


async def _acks(load: _Load) -> list[float]:
    requests = [load.desk.one(each) for each in draw(load.stage, ONE_BY_ONE)]
    answers = await at_rate(load.desk.url, requests, A_SECOND, CONNECTIONS)
    await _drained(load.stage)
    found = [each.seconds * 1000 for each in answers if each.accepted]
    if len(found) < len(requests):
        raise RuntimeError(f"{len(requests) - len(found)} single events did not come in")
    load.say(f"{A_SECOND:.0f}/s: acknowledged p50 {percentile(found, 0.5):.1f} ms")
    return found


def _singly(_stage: Stage, desk: Desk, events: Sequence[Sent]) -> Awaitable[int]:
    requests = [desk.one(each) for each in events]
    return _accepted(desk, requests, CONNECTIONS)


def _batches(_stage: Stage, desk: Desk, events: Sequence[Sent]) -> Awaitable[int]:
    by_publisher = _by_publisher(events)
    batches = [
        (start / len(texts), publisher, texts[start : start + BATCH])
        for publisher, texts in by_publisher.items()
        for start in range(0, len(texts), BATCH)
    ]
    # All registers are gone through at the same speed: each person comes up once in a while, and
    # not twice at once.
    requests = [desk.batch(publisher, texts) for _, publisher, texts in sorted(batches)]
    return _accepted(desk, requests, BATCHES_AT_ONCE)


async def _accepted(desk: Desk, requests: Sequence[bytes], connections: int) -> int:
    answers = await as_fast_as_answered(desk.url, requests, connections)
    return sum(each.accepted for each in answers)


def _streams(stage: Stage, desk: Desk, events: Sequence[Sent]) -> Awaitable[int]:
    """One stream a publisher, all at once; each sends whatever the server lets it."""
    streams = {
        desk.token(publisher): [
            _message(number, texts[number : number + IN_A_MESSAGE])
            for number in range(0, len(texts), IN_A_MESSAGE)
        ]
        for publisher, texts in _by_publisher(events).items()
    }
    return _streamed(stage.endpoints["events_grpc"], streams)


def _message(number: int, texts: Sequence[bytes]) -> pb.PublishStreamRequest:
    first, *following = texts
    return pb.PublishStreamRequest(
        number=number,
        cloud_event_json=first,
        following=[pb.PublishRequest(cloud_event_json=text) for text in following],
    )


async def _streamed(target: str, streams: Mapping[str, Sequence[pb.PublishStreamRequest]]) -> int:
    async with grpc.aio.insecure_channel(target) as channel:
        stub: LifeEventsAsyncStub = LifeEventsStub(channel)
        return sum(await asyncio.gather(*(_stream(stub, *each) for each in streams.items())))


async def _stream(
    stub: LifeEventsAsyncStub, token: str, messages: Sequence[pb.PublishStreamRequest]
) -> int:
    call = stub.PublishStream(
        iter(messages), timeout=STREAM_SECONDS, metadata=(("authorization", f"Bearer {token}"),)
    )
    return sum(
        [
            answered.HasField("accepted")
            async for answer in call
            for answered in (answer, *answer.following)
        ]
    )


def _by_publisher(events: Sequence[Sent]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = defaultdict(list)
    for each in events:
        found[each.publisher].append(json.dumps(each.event).encode())
    return found


async def _drained(stage: Stage) -> None:
    """Wait until everything that came in was decided and delivered."""
    await seen(stage.lag.none, "the log was read to its end", seconds=DRAIN_SECONDS)


def _at(runs: Sequence[Sequence[float]], share: float) -> list[float]:
    return [percentile(each, share) for each in runs]
