"""The nemesis: kills and freezes processes it was given, by a seeded plan, and writes down each.

It holds every process by a descriptor of the kernel's, not by its number: a number that was given
to another process meanwhile is never struck.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final, Self

from tests.faults.operation import Kind, Operation, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.faults.history import History

PROCESS: Final = "nemesis"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to one part: KILL, or FREEZE for so many seconds."""

    kind: Kind
    part: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a plan may do: how many faults, within how many seconds, how long each at most."""

    faults: int
    seconds: float
    longest_pause: float  # between two faults, in seconds
    longest_freeze: float  # in seconds


def schedule(
    seed: int,
    parts: Sequence[str],
    bounds: Bounds,
    kinds: Sequence[Kind] = (Kind.KILL, Kind.FREEZE),
) -> Iterator[tuple[float, Fault]]:
    """Faults, one after the other, each with the seconds from the beginning at which it starts.

    The same seed, parts (in any order), bounds and kinds give the same plan.
    """
    chance = Random(seed)
    at = 0.0
    for _ in range(bounds.faults):
        at += chance.uniform(0, bounds.longest_pause)
        kind, part = chance.choice(sorted(kinds)), chance.choice(sorted(parts))
        seconds = chance.uniform(0, bounds.longest_freeze)
        fault = Fault(kind, part, seconds if kind is Kind.FREEZE else 0.0)
        if at + fault.seconds > bounds.seconds:
            return
        yield at, fault
        at += fault.seconds


class Nemesis:
    """Strikes processes by the names of their parts; leave its context to let go of them."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._descriptors: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for part in list(self._descriptors):
            self._let_go(part)

    def give(self, part: str, pid: int) -> None:
        """From now on this is the process of the part; give it anew after each of its starts."""
        descriptor = os.pidfd_open(pid)
        self._let_go(part)
        self._descriptors[part] = descriptor

    async def run(self, plan: Iterable[tuple[float, Fault]]) -> None:
        """Carry a plan out, its seconds counted from now."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for at, fault in plan:
            await asyncio.sleep(begun + at - loop.time())
            if fault.kind is Kind.KILL:
                self.kill(fault.part)
            else:
                with self.frozen(fault.part):
                    await asyncio.sleep(fault.seconds)

    def kill(self, part: str) -> Operation:
        """End the process of a part as kill -9 does, and let go of it."""
        begun = self._history.invoke(PROCESS, Kind.KILL, part=part)
        descriptor = self._descriptors.get(part)
        struck = descriptor is not None and _send(descriptor, signal.SIGKILL)
        self._let_go(part)
        return self._history.complete(begun, Result.OK if struck else Result.FAIL)

    @contextmanager
    def frozen(self, part: str) -> Iterator[None]:
        """Stop the process of a part; whatever happens meanwhile, it goes on afterwards."""
        begun = self._history.invoke(PROCESS, Kind.FREEZE, part=part)
        if part not in self._descriptors:
            self._history.complete(begun, Result.FAIL)
            yield
            return
        # A descriptor of its own: the part may be given another process, or let go of, meanwhile.
        descriptor = os.dup(self._descriptors[part])
        struck = False
        try:
            struck = _send(descriptor, signal.SIGSTOP)
            yield
        finally:
            _send(descriptor, signal.SIGCONT)
            os.close(descriptor)
            self._history.complete(begun, Result.OK if struck else Result.FAIL)

    def _let_go(self, part: str) -> None:
        if part in self._descriptors:
            os.close(self._descriptors.pop(part))


def _send(descriptor: int, number: signal.Signals) -> bool:
    """Send a signal; whether there was a process that had not ended."""
    ended = select.poll()
    ended.register(descriptor, select.POLLIN)
    if ended.poll(0):
        return False
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(descriptor, number)
        return True
    return False
