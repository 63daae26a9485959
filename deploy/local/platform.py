"""The platform as an object: start it, kill parts of it, ask how it is, stop it."""

from __future__ import annotations

import contextlib
import os
import re
import signal as signals
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from deploy.local.errors import LocalError, NotRunning
from deploy.local.running import readiness, recorded, state, supervisord
from deploy.local.running.display import Silent
from deploy.local.settings import ROOT, External, from_environment
from deploy.local.starting import Request, start
from deploy.local.stopping import clear, last_lines, locked

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from deploy.local.running.display import Progress
    from deploy.local.running.supervisord import Folders

_GONE_SECONDS: Final = 10.0
_PSS: Final = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)  # the memory that is its fair share
_KILOBYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Row:
    """How one process is. Memory is its proportional share (PSS), children included."""

    name: str
    pid: int | None
    address: str
    ready: bool
    memory_mb: float
    restarts: int


class Platform:
    """One platform in one home. As a context manager it is stopped at the end."""

    def __init__(self, folders: Folders, known: state.State) -> None:
        """Hold a platform that runs; use `start` or `attach`."""
        self._folders = folders
        self._state = known
        self._members = {member.name: member for member in known.members}

    @classmethod
    def start(
        cls,
        home: Path | None = None,
        port_base: int | None = None,
        *,
        only: Collection[str] | None = None,
        services: bool | Collection[str] = True,
        settings: Mapping[str, str] | None = None,
        external: External | None = None,
        owned: bool = True,
        fresh: bool = False,
        topics: bool = True,
        progress: Progress | None = None,
    ) -> Self:
        """Start a platform and return once all of it is ready.

        `only` names the processes to run, `services` which of ours (all, none, some);
        `settings` are variables of services, `SERVICES_X` for all of them; `owned` ties it to
        this process: should that be killed, the next start clears it away; `fresh` begins with
        empty stores. Raises AlreadyRunning, PortTaken, ToolMissing or StartFailed.
        """
        given = from_environment()
        folders = state.folders(ROOT, (home or given.home).absolute())
        request = Request(
            folders=folders,
            port_base=given.port_base if port_base is None else port_base,
            external=given.external if external is None else external,
            only=only,
            services=services,
            settings=settings or {},
            owned=owned,
            fresh=fresh,
            topics=topics,
        )
        return cls(folders, start(request, progress or Silent()))

    @classmethod
    def attach(cls, home: Path | None = None) -> Self:
        """Return the platform that runs in a home; raises NotRunning."""
        folders = state.folders(ROOT, (home or from_environment().home).absolute())
        known = state.load(folders.home)
        if known is None or not state.running(known):
            message = f"nothing runs in {folders.home}; `make up` starts it"
            raise NotRunning(message)
        return cls(folders, known)

    def __enter__(self) -> Self:
        """Return the platform itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    @property
    def endpoints(self) -> dict[str, str]:
        """Addresses by the names of `endpoints.json`."""
        return dict(self._state.endpoints)

    @property
    def home(self) -> Path:
        """The folder with logs, data and keys."""
        return self._folders.home

    @property
    def names(self) -> list[str]:
        """The processes of this platform, in start order."""
        return list(self._members)

    @property
    def admin_url(self) -> str:
        """The PostgreSQL URL of the role that may make databases; holds a password."""
        return self._state.admin_url

    def database_url(self, role: str) -> str:
        """Return the PostgreSQL URL of one service's role; holds a password."""
        return self._state.database_urls[role]

    def stop(self) -> None:
        """End every process, by pid, and check that nothing listens any more."""
        with locked(self._folders.home):
            clear(self._folders, self._state)

    def pid(self, name: str) -> int:
        """Return the pid of a process; raises NotRunning."""
        return self._recorded(name).pid

    def kill(self, name: str, signal: signals.Signals = signals.SIGKILL) -> None:
        """Send a signal to a process; after SIGKILL, return once it has gone."""
        target = self._recorded(name)
        os.kill(target.pid, signal)
        if signal == signals.SIGKILL:
            recorded.wait_gone([target], _GONE_SECONDS)

    def wait_ready(self, name: str, seconds: float = 60.0) -> float:
        """Wait until a process answers; return the seconds it took; raises LocalError."""
        begun = time.monotonic()
        member = self._member(name)
        question = readiness.Question(readiness.Kind(member.kind), member.target)
        if not readiness.wait(question, seconds, failed=lambda: False):
            lines = "\n".join(last_lines(self._folders, name))
            message = f"{name} was not ready within {seconds:.0f} s\n{lines}"
            raise LocalError(message)
        return time.monotonic() - begun

    def restart_count(self, name: str) -> int:
        """Return how often a process was started again since the platform came up."""
        self._member(name)
        return max(0, self._spawned().get(name, 0) - 1)

    def log(self, name: str) -> Path:
        """Return the file with a process's output."""
        return self._folders.log(name)

    def status(self) -> list[Row]:
        """Return how every process is."""
        spawned = self._spawned()
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda name: self._row(name, spawned), self._members))

    def _row(self, name: str, spawned: Mapping[str, int]) -> Row:
        member = self._members[name]
        found = recorded.read(self._folders.pids / name)
        pid = found.pid if found and recorded.alive(found) else None
        question = readiness.Question(readiness.Kind(member.kind), member.target)
        return Row(
            name=name,
            pid=pid,
            address=member.address,
            ready=pid is not None and readiness.ready(question),
            memory_mb=sum(map(_memory_mb, _tree(pid))) if pid else 0.0,
            restarts=max(0, spawned.get(name, 0) - 1),
        )

    def _spawned(self) -> dict[str, int]:
        logs = sorted(self._folders.logs.glob("supervisord.log*"))
        return supervisord.count_spawned("".join(log.read_text() for log in logs))

    def _member(self, name: str) -> state.Member:
        if name not in self._members:
            message = f"{name} is no process of this platform, which has {', '.join(self.names)}"
            raise NotRunning(message)
        return self._members[name]

    def _recorded(self, name: str) -> recorded.Recorded:
        self._member(name)
        found = recorded.read(self._folders.pids / name)
        if found is None or not recorded.alive(found):
            message = f"{name} does not run at this moment"
            raise NotRunning(message)
        return found


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        # Any of them may end while we look.
        with contextlib.suppress(OSError):
            for tasks in Path(f"/proc/{parent}/task").glob("*/children"):
                found += [int(child) for child in tasks.read_text().split()]
    return found


def _memory_mb(pid: int) -> float:
    try:
        share = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:
        return 0.0
    return int(share.group(1)) / _KILOBYTES if share else 0.0
