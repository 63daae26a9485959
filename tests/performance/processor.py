"""How much processor time the platform's processes have used, by process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from deploy.local.platform import Platform

_TICKS = os.sysconf("SC_CLK_TCK")
# In /proc/<pid>/stat, after the name in brackets.
_USER, _SYSTEM = 11, 12
_LOOP: Final = """
import time
turns, end = 0, time.perf_counter() + 1.0
while time.perf_counter() < end:
    sum(number * number % 7 for number in range(1000))
    turns += 1
print(turns)
"""


def machine_speed() -> float:
    """Thousands of turns of a loop that all processors together make in a second; blocks.

    Says what part of a difference between two runs is the machine's: who shares one with others
    gets much less of it at times, most of all when all of its processors are busy.
    """
    loops = [
        subprocess.Popen([sys.executable, "-c", _LOOP], stdout=subprocess.PIPE)
        for _ in range(os.cpu_count() or 1)
    ]
    return sum(int(loop.communicate()[0]) for loop in loops)


def used_seconds(platform: Platform) -> dict[str, float]:
    """Seconds used since each process started, its children's included; and our own."""
    found = {name: sum(map(_seconds, _tree(platform.pid(name)))) for name in platform.names}
    return {**found, "the measuring": sum(os.times()[:2])}


def per_event_ms(
    before: dict[str, float], after: dict[str, float], events: int
) -> dict[str, float]:
    """Milliseconds for one event, by process."""
    return {name: (after[name] - before[name]) * 1000 / events for name in after}


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for tasks in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(child) for child in tasks.read_text().split()]
            except OSError:
                continue
    return found


def _seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS
