"""One race, from an empty platform to its verdict."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from demo.acts.opening import request_for
from demo.log import Lag
from demo.publishing import Departments
from demo.waiting import Unseen, seen
from deploy.local.errors import LocalError
from deploy.local.platform import Platform
from joinedup.cli.home import Home
from joinedup.cli.registering import add_accounts, register
from tests.faults.history import History, merge
from tests.faults.operation import Kind, Operation, Result
from tests.faults.permissions import ENDS
from tests.race import commit_order, ground, verdict
from tests.race.commit_order import Clock, Row
from tests.race.load import Load, Turns, cast, chance_of
from tests.race.person import Person, Tally, Ways
from tests.race.result import KILLED_BY, Raced, distribution, faults, latency
from tests.race.storm import Storm

QUIET_SECONDS: Final = 120.0
_END_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 2.0
_JUDGE_EVERY: Final = 10
_START_SECONDS: Final = 60.0
_PATIENCE_SECONDS: Final = 180.0
_AT_ONCE: Final = 8
_UNDER_WAY: Final = {
    "notifications": {
        "prompts that wait": "SELECT count(*) FROM ledger WHERE state IN ('new', 'claimed')"
        " AND not_before <= now()",
    },
    "identity": {
        "fences that wait": "SELECT count(*) FROM fences",
        "sets untold": "SELECT count(*) FROM outbox",
    },
}


@dataclass(frozen=True, slots=True)
class Course:
    """How long and how hard the race is."""

    seed: int
    withdrawals: int
    claims: int
    people: int
    turns_a_second: float
    seconds: float
    home: Path
    mutant: str = ""
    storm: bool = True


class Watch:
    """Told how far the race is."""

    def at(self, withdrawals: int, claims: int) -> None:
        """So many so far."""

    def say(self, text: str) -> None:
        """Something happened."""


async def race(course: Course, watch: Watch) -> Raced:
    """Run it; a platform that does not come up, or back, is told as trouble."""
    targets = {"withdrawals acknowledged": course.withdrawals, "claims": course.claims}
    raced = Raced(course.seed, course.mutant, targets)
    watch.say("starting the platform")
    platform = await asyncio.to_thread(ground.start, course.home, mutant=course.mutant)
    it = Race(course, watch, platform, raced)
    try:
        await it.run()
    except LocalError as trouble:
        raced.trouble = str(trouble)
        with contextlib.suppress(psycopg.Error):
            await asyncio.to_thread(it.judge)
    finally:
        await asyncio.to_thread(platform.stop)
    return raced


class Race:
    """A race on a platform that runs."""

    def __init__(self, course: Course, watch: Watch, platform: Platform, raced: Raced) -> None:
        self._course = course
        self._watch = watch
        self._platform = platform
        self._raced = raced
        self._clock = Clock.now()
        self._restarts = self._count_restarts()
        path = platform.home / "history.jsonl"
        path.unlink(missing_ok=True)
        self._history = History(path)
        self._tally = Tally()
        self._over = asyncio.Event()
        self._storm = Storm(platform, self._history, course.seed, watch.say)

    async def run(self) -> None:
        """Load and faults until there was enough of both, then quiet, then the verdict."""
        began = time.monotonic()
        async with self._persons() as persons, self._departments() as departments:
            load = Load(
                *(persons, departments, self._history, self._tally),
                Turns(self._course.turns_a_second),
            )
            try:
                await self._through(load)
            finally:
                self._raced.seconds = time.monotonic() - began
                self._raced.load |= {
                    "events acknowledged": load.events_acked,
                    "events unknown": load.events_unknown,
                }
            self._watch.say("quiet now")
            await self._quiet()
        await asyncio.to_thread(self.judge)

    # ------------------------------------------------------------------ people
    @asynccontextmanager
    async def _persons(self) -> AsyncIterator[list[Person]]:
        endpoints = self._platform.endpoints
        rows = {each.name: each.address for each in self._platform.status()}
        ways = Ways(
            endpoints["sign_in"], endpoints["identity_grpc"], [rows[each] for each in ground.GATES]
        )
        who = cast(self._course.people, self._course.seed)
        requests = [request_for(each) for each in who]
        home = Home(self._platform.home)
        failed = [each for each in await register(home, requests, lambda: None) if each.error]
        if failed:
            raise LocalError(f"{len(failed)} people were not registered")
        await add_accounts(home, requests)
        memory = self._platform.home / "devices"
        for old in memory.glob("*.jsonl*"):
            old.unlink()
        persons = [
            Person(
                *(number, each, ways),
                chance=chance_of(self._course.seed, number),
                history=self._history,
                tally=self._tally,
                memory=memory,
            )
            for number, each in enumerate(who)
        ]
        slots = asyncio.Semaphore(_AT_ONCE)

        async def meet(person: Person) -> None:
            async with slots:
                await person.meet()

        await asyncio.gather(*(map(meet, persons)))
        devices = [asyncio.create_task(each.listen()) for each in persons]
        try:
            async with asyncio.timeout(_START_SECONDS):
                await asyncio.gather(*(each.listening.wait() for each in persons))
            self._watch.say(f"{len(persons)} people, each with a device")
            yield persons
            for task in devices:
                if task.done():
                    task.result()
        finally:
            for task in devices:
                task.cancel()
            await asyncio.gather(*devices, return_exceptions=True)
            await asyncio.gather(*(each.close() for each in persons))

    @asynccontextmanager
    async def _departments(self) -> AsyncIterator[Departments]:
        home = Home(self._platform.home)
        async with Departments(
            home.publishers(),
            keys=home.path / "keys" / "publishers",
            url=self._platform.endpoints["events_http"],
            patience_seconds=_PATIENCE_SECONDS,
        ) as departments:
            yield departments

    # ------------------------------------------------------------------ the race
    async def _through(self, load: Load) -> None:
        people = asyncio.create_task(load.run(self._over))
        works = [people, asyncio.create_task(self._look())]
        if self._course.storm:
            works.append(asyncio.create_task(self._storm.run(self._over)))
        try:
            done, _ = await asyncio.wait(
                works,
                timeout=self._course.seconds + _END_SECONDS,
                return_when=asyncio.FIRST_EXCEPTION,
            )
            for each in done:
                each.result()
            if not people.done():
                raise LocalError("people still waited for an answer long after the faults ended")
        finally:
            self._over.set()
            for each in works:
                each.cancel()
            await asyncio.gather(*works, return_exceptions=True)
        await self._storm.well()

    async def _look(self) -> None:
        """Say how far it is, and when it is over."""
        end = time.monotonic() + self._course.seconds
        url, claims, turn = self._platform.database_url("notifications"), 0, 0
        while time.monotonic() < end:
            with contextlib.suppress(psycopg.Error):
                claims = await asyncio.to_thread(commit_order.claims, url)
            withdrawals = len(self._tally.acknowledged)
            self._watch.at(withdrawals, claims)
            turn += 1
            if withdrawals >= self._course.withdrawals and claims >= self._course.claims:
                break
            if self._course.mutant and turn % _JUDGE_EVERY == 0 and await self._caught():
                break
            await asyncio.sleep(_LOOK_SECONDS)
        self._over.set()

    async def _caught(self) -> bool:
        with contextlib.suppress(psycopg.Error):
            await asyncio.to_thread(self.judge)
        return KILLED_BY in self._raced.broken

    # ------------------------------------------------------------------ afterwards
    async def _quiet(self) -> None:
        """Wait until nothing is under way any more."""
        began = time.monotonic()
        lag = Lag(self._platform.endpoints["kafka"])

        async def quiet() -> bool | None:
            unread = await lag.total()
            left = {"records unread": -1 if unread is None else unread}
            for role, questions in _UNDER_WAY.items():
                left |= await asyncio.to_thread(self._ask, role, questions)
            self._raced.unfinished = left
            return True if not any(left.values()) else None

        try:
            await seen(quiet, "nothing under way any more", seconds=QUIET_SECONDS)
            self._raced.quiet_after_seconds = round(time.monotonic() - began, 1)
        except Unseen:
            self._raced.quiet_after_seconds = None
        finally:
            lag.close()

    def _ask(self, role: str, questions: dict[str, str]) -> dict[str, int]:
        found = {}
        with psycopg.connect(self._platform.database_url(role)) as connection:
            for name, question in questions.items():
                row = connection.execute(question.encode()).fetchone()
                found[name] = int(row[0]) if row else 0
        return found

    def judge(self) -> None:
        """Read what the database wrote down, and hold it against what everybody was told."""
        clock = self._clock.until(Clock.now())
        url = self._platform.database_url("notifications")
        rows = commit_order.read_log(url)
        order = History()
        lease_ns = round(ground.CLAIM_LEASE_SECONDS * 1e9)
        for each in commit_order.operations(rows, clock, lease_ns):
            order.record(each)
        for each in commit_order.read_suppressed(url, clock):
            order.record(each)
        raced, told = self._raced, self._history.operations
        raced.clock_moved_ms = clock.error_ns / 1e6
        raced.contradictions = verdict.judge(self._history, order, rows)
        latest_ns = verdict.latest_frame_ns(merge(self._history, order))
        raced.latest_frame_ms = round(latest_ns / 1e6, 1)
        raced.load |= self._load(told, order.operations, rows)
        raced.refused = dict(sorted(self._tally.refused.items()))
        raced.faults = faults(told)
        raced.ended_alone = {
            name: times
            for name, restarts in self._count_restarts().items()
            if (
                times := restarts
                - self._restarts[name]
                - raced.faults.get(f"{Kind.KILL} {name}", 0)
            )
        }
        after_ns = round(ground.LEASE_SECONDS * 1e9)
        raced.latency_ms = latency(self._tally.said, self._storm.struck, after_ns)
        if waited := [each / 1e6 for each in self._tally.taking_effect]:
            raced.latency_ms["read “taking effect” first"] = distribution(waited)

    def _count_restarts(self) -> dict[str, int]:
        return {name: self._platform.restart_count(name) for name in ground.SERVICES}

    def _load(
        self, told: tuple[Operation, ...], order: tuple[Operation, ...], rows: list[Row]
    ) -> dict[str, int]:
        tally = self._tally

        def many(operations: tuple[Operation, ...], kind: Kind, *results: Result) -> int:
            return sum(each.kind is kind and each.result in results for each in operations)

        ok, unknown = Result.OK, Result.UNKNOWN
        return {
            "withdrawals acknowledged": len(tally.acknowledged),
            "withdrawals with an unknown result": sum(
                many(told, kind, unknown) for kind in sorted(ENDS)
            ),
            "ends at the gate": sum(many(order, kind, ok) for kind in sorted(ENDS)),
            "yes": many(told, Kind.GIVE, ok),
            "claims": many(order, Kind.CLAIM, ok),
            "claims lapsed": sum(row.was == "claimed" and row.state == "new" for row in rows),
            "prompts ended by the gate": sum(
                row.kind == "prompt" and row.state == "suppressed" for row in rows
            ),
            "frames": many(told, Kind.FRAME, ok),
            "shown": many(told, Kind.SHOW, ok),
            "opened": many(told, Kind.OPEN, ok),
            "openings refused as withdrawn": tally.withdrawn_on_opening,
            "openings with an unknown result": many(told, Kind.OPEN, unknown),
            "told to take off the screen": tally.recalled,
            "devices switched off and on": tally.device_restarts,
            "rows that wait for their day": verdict.unfinished(rows),
        }
