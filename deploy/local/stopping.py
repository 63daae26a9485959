"""Bringing the platform down, and clearing away what a killed one left behind."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import socket
import time
from typing import TYPE_CHECKING, Final

from deploy.local.errors import AlreadyRunning, LocalError
from deploy.local.running import readiness, recorded, state, supervisord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from deploy.local.running.supervisord import Folders

_STOP_SECONDS: Final = 45.0
_ORPHAN_SECONDS: Final = 5.0
_PORTS_SECONDS: Final = 5.0
_LOG_LINES: Final = 20
_LOG_BYTES: Final = 16_384


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the home against any other start or stop; the kernel lets go when we end."""
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"another start or stop is under way in {home}"
            raise AlreadyRunning(message) from error
        yield


def clear(folders: Folders, known: state.State | None) -> bool:
    """End whatever of this home still runs, by pid, and forget it; tell whether anything did.

    Raises LocalError if a port still answers at the end. Works from what is left: a living
    supervisord, one whose state file is gone, or only the recorded pids of processes that a
    killed supervisord left alone.
    """
    ended = _end_supervisord(folders, known)
    records = {path.name: recorded.read(path) for path in folders.pids.glob("*")}
    orphans = {name: each for name, each in records.items() if each and recorded.alive(each)}
    recorded.end(orphans, _ORPHAN_SECONDS)
    numbers = [number for member in (known.members if known else ()) for number in member.ports]
    _wait_ports_free(numbers)
    for path in folders.pids.glob("*"):
        path.unlink()
    shutil.rmtree(folders.sockets, ignore_errors=True)
    (folders.home / "endpoints.json").unlink(missing_ok=True)
    state.forget(folders.home)
    return ended or bool(orphans)


def failed_ports(numbers: Iterable[int]) -> list[int]:
    """Return the ports that a server could not bind on loopback."""
    failed = []
    for number in numbers:
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", number))
            except OSError:
                failed.append(number)
    return failed


def last_lines(folders: Folders, name: str) -> tuple[str, ...]:
    """Return the last lines that a process wrote, from its own log and from its output."""
    lines: list[str] = []
    for path in (folders.log(f"{name}-broker"), folders.log(name)):
        if path.is_file():
            with path.open("rb") as log:
                log.seek(max(0, path.stat().st_size - _LOG_BYTES))
                lines += log.read().decode(errors="replace").splitlines()
    return tuple(lines[-_LOG_LINES:])


def _end_supervisord(folders: Folders, known: state.State | None) -> bool:
    daemon = recorded.parse(known.supervisord) if known else None
    talk = supervisord.Supervisord(folders.socket)
    if not recorded.alive(daemon):
        # Somebody may have removed the home while it ran: its socket still answers.
        with contextlib.suppress(OSError):
            daemon = recorded.observe(talk.pid())
    if daemon is None or not recorded.alive(daemon):
        return False
    with contextlib.suppress(OSError):
        talk.shut_down()
    if recorded.wait_gone([daemon], _STOP_SECONDS):
        recorded.end({"supervisord": daemon}, _ORPHAN_SECONDS)
    return True


def _wait_ports_free(numbers: list[int]) -> None:
    end = time.monotonic() + _PORTS_SECONDS
    left = numbers
    while left := [number for number in left if readiness.listening(f"127.0.0.1:{number}")]:
        if time.monotonic() > end:
            message = f"port {left[0]} still answers after everything was ended"
            raise LocalError(message)
        time.sleep(0.05)
