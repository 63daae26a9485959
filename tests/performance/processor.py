"""How much processor time the platform's processes have used, by process."""

from __future__ import annotations

import os
from pathlib import Path

from deploy.local.platform import Platform

_TICKS = os.sysconf("SC_CLK_TCK")
# In /proc/<pid>/stat, after the name in brackets.
_USER, _SYSTEM = 11, 12


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
