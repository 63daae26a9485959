"""Records of started processes: a pid is believed only with its start time and this boot."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_POLL_SECONDS: Final = 0.02
_STATE, _STARTED = 0, 19
_ENDED: Final = ("Z", "X")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One process as it was seen when it started."""

    pid: int
    started: int
    boot: str

    def line(self) -> str:
        """Return the text that `parse` reads."""
        return f"{self.boot}\n{self.pid} () S{' 0' * 18} {self.started}\n"


def parse(text: str) -> Recorded | None:
    """Read a boot id and a line of /proc/<pid>/stat; None if the text is anything else."""
    boot, _, stat = text.partition("\n")
    head, _, tail = stat.rpartition(")")
    fields, pid = tail.split(), head.split(" ", 1)[0]
    if len(fields) <= _STARTED or not (pid.isdigit() and fields[_STARTED].isdigit()):
        return None
    return Recorded(pid=int(pid), started=int(fields[_STARTED]), boot=boot.strip())


def read(path: Path) -> Recorded | None:
    """Read a record's file; None if there is none or it is half written."""
    try:
        return parse(path.read_text())
    except (OSError, UnicodeDecodeError):
        return None


def observe(pid: int) -> Recorded | None:
    """Return the record of a process that runs now."""
    try:
        return parse(_BOOT.read_text().strip() + "\n" + Path(f"/proc/{pid}/stat").read_text())
    except OSError:
        return None


def alive(recorded: Recorded | None) -> bool:
    """Tell whether this very process, and no later owner of its pid, still runs."""
    if recorded is None:
        return False
    try:
        stat = Path(f"/proc/{recorded.pid}/stat").read_text()
        boot = _BOOT.read_text().strip()
    except OSError:
        return False
    fields = stat.rpartition(")")[2].split()
    same = boot == recorded.boot and int(fields[_STARTED]) == recorded.started
    return same and fields[_STATE] not in _ENDED


def wait_gone(records: Iterable[Recorded], seconds: float) -> list[Recorded]:
    """Wait until all have ended; return those that have not within the time."""
    end = time.monotonic() + seconds
    left = [each for each in records if alive(each)]
    while left and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
        left = [each for each in left if alive(each)]
    return left


def end(records: dict[str, Recorded], grace_seconds: float) -> None:
    """End recorded processes by pid: asked first, then killed with their whole group."""
    for name, each in records.items():
        if alive(each):
            # PostgreSQL takes SIGTERM as "once the last client has gone".
            _signal(each, signal.SIGINT if name == "postgres" else signal.SIGTERM)
    for each in wait_gone(records.values(), grace_seconds):
        _signal(each, signal.SIGKILL, group=True)
    wait_gone(records.values(), grace_seconds)


def _signal(recorded: Recorded, number: signal.Signals, *, group: bool = False) -> None:
    with contextlib.suppress(ProcessLookupError):
        if group and os.getpgid(recorded.pid) == recorded.pid:
            os.killpg(recorded.pid, number)
        else:
            os.kill(recorded.pid, number)
