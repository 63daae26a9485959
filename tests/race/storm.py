"""Faults, one after the other, chosen by a seed; each is waited for until the platform is well."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import psycopg
import redis

from deploy.local.errors import LocalError, NotRunning
from deploy.local.platform import Platform
from tests.faults.history import History
from tests.faults.nemesis import PROCESS, Fault, Nemesis
from tests.faults.operation import Kind, Result

BACKEND: Final = "postgres backend"
# How often each part is struck, and in which ways.
_PARTS: Final = {
    "notifications": 4,
    "notifications_2": 3,
    "identity": 4,
    "nudges": 2,
    "events": 2,
    "postgres": 1,
    BACKEND: 1,
    "redis": 2,
}
_WAYS: Final = {
    "postgres": (Kind.KILL,),
    BACKEND: (Kind.KILL,),
    "redis": (Kind.KILL, Kind.WIPE),
}
_SHORTEST_FREEZE, _LONGEST_FREEZE = 0.5, 8.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 2.0, 8.0
_TWICE: Final = 0.25
_WELL_SECONDS: Final = 90.0
_POLL_SECONDS: Final = 0.2
_BACKENDS: Final = """
    SELECT pid FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND datname IN ('identity', 'notifications')
      AND pid <> pg_backend_pid()
    ORDER BY pid
"""

Strike = tuple[float, tuple[Fault, ...]]


def plan(seed: int) -> Iterator[Strike]:
    """Faults without end, each after so many quiet seconds; at times two at once."""
    chance = Random(seed)
    while True:
        pause = chance.uniform(_SHORTEST_PAUSE, _LONGEST_PAUSE)
        first = _fault(chance)
        second = _fault(chance) if chance.random() < _TWICE else first
        # Two servers of one database are one.
        both = {"postgres", BACKEND} != {first.part, second.part} and first.part != second.part
        yield pause, (first, second) if both else (first,)


def _fault(chance: Random) -> Fault:
    part = chance.choices(list(_PARTS), weights=list(_PARTS.values()))[0]
    kind = chance.choice(_WAYS.get(part, (Kind.KILL, Kind.FREEZE)))
    seconds = chance.uniform(_SHORTEST_FREEZE, _LONGEST_FREEZE) if kind is Kind.FREEZE else 0.0
    return Fault(kind, part, seconds)


@dataclass(slots=True)
class Storm:
    """Strikes the processes of one platform, by pid, and says when."""

    platform: Platform
    history: History
    seed: int
    say: Callable[[str], None]
    struck: list[tuple[int, int]] = field(default_factory=list)
    """When something was broken: from the strike until all was ready again, monotonic ns."""

    async def run(self, over: asyncio.Event) -> None:
        """Go on until it is over; then everything is well again. Raises LocalError if it is not."""
        with Nemesis(self.history) as nemesis:
            for pause, faults in plan(self.seed):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), pause)
                if over.is_set():
                    return
                begun = time.monotonic_ns()
                self.say(", ".join(map(_told, faults)))
                await asyncio.gather(*(self._strike(nemesis, each) for each in faults))
                await self.well()
                self.struck.append((begun, time.monotonic_ns()))

    async def well(self) -> None:
        """Wait until every process is ready; raises LocalError."""
        end = time.monotonic() + _WELL_SECONDS
        while True:
            ailing = [each.name for each in await asyncio.to_thread(self.platform.status)
                      if not each.ready]  # fmt: skip
            if not ailing:
                return
            if time.monotonic() > end:
                raise LocalError(f"not ready again in time: {', '.join(ailing)}")
            await asyncio.sleep(_POLL_SECONDS)

    async def _strike(self, nemesis: Nemesis, fault: Fault) -> None:
        if fault.kind is Kind.WIPE:
            await asyncio.to_thread(self._wipe)
            return
        with contextlib.suppress(NotRunning, ProcessLookupError, psycopg.Error):
            nemesis.give(fault.part, await asyncio.to_thread(self._pid, fault.part))
        if fault.kind is Kind.KILL:
            nemesis.kill(fault.part)
        else:
            with nemesis.frozen(fault.part):
                await asyncio.sleep(fault.seconds)

    def _pid(self, part: str) -> int:
        if part != BACKEND:
            return self.platform.pid(part)
        with psycopg.connect(self.platform.admin_url, connect_timeout=2) as connection:
            pids = [row[0] for row in connection.execute(_BACKENDS).fetchall()]
        server = self.platform.pid("postgres")
        ours = [pid for pid in pids if _parent(pid) == server]
        if not ours:
            raise ProcessLookupError
        return int(ours[self.seed % len(ours)])

    def _wipe(self) -> None:
        begun = self.history.invoke(PROCESS, Kind.WIPE, part="redis")
        result = Result.OK
        host, _, port = self.platform.endpoints["redis"].rpartition(":")
        client = redis.Redis(host=host, port=int(port), socket_timeout=2)
        try:
            client.flushall()
        except redis.RedisError:
            result = Result.FAIL
        finally:
            client.close()
        self.history.complete(begun, result)


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def _told(fault: Fault) -> str:
    seconds = f" for {fault.seconds:.1f} s" if fault.seconds else ""
    return f"{fault.kind} {fault.part}{seconds}"
