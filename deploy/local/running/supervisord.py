"""supervisord, which restarts what ends: its configuration, and talking to it while it runs."""

from __future__ import annotations

import http.client
import re
import shlex
import socket
import xmlrpc.client
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from deploy.local.plan import Process

_CALL_SECONDS: Final = 15.0
_SETTLED_SECONDS: Final = 3
_RETRIES: Final = 100
_FORCED_END_SECONDS: Final = 10
_SPAWNED: Final = re.compile(r"spawned: '([^']+)' with pid \d+")  # as supervisord writes it

_HEAD: Final = """\
[supervisord]
identifier=joinedup
nodaemon=false
{user}logfile={logs}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile={home}/supervisord.pid

[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

_PROGRAM: Final = """
[program:{name}]
command=/bin/sh {script}
directory={root}
autostart=false
autorestart=true
startsecs={settled}
startretries={retries}
stopsignal={stop_signal}
stopasgroup=true
killasgroup=true
stopwaitsecs={stop_seconds}
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


class State(StrEnum):
    """What supervisord says of a process (its own names)."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    BACKOFF = "BACKOFF"
    STOPPING = "STOPPING"
    EXITED = "EXITED"
    FATAL = "FATAL"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Folders:
    """Where one platform keeps its files."""

    root: Path
    home: Path
    sockets: Path

    @property
    def socket(self) -> Path:
        """Where supervisord listens: a short path, for a socket's path is limited."""
        return self.sockets / "supervisor.sock"

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.home / "logs"

    @property
    def pids(self) -> Path:
        """One record a started process."""
        return self.home / "pids"

    def log(self, name: str) -> Path:
        """Return where a process's output goes."""
        return self.logs / f"{name}.log"

    def script(self, name: str) -> Path:
        """Return where the script that starts a process stands."""
        return self.home / "programs" / f"{name}.sh"


def configuration(folders: Folders, processes: Iterable[Process], user: str | None) -> str:
    """Return supervisord's configuration; `user` is named when we are root, as it asks."""
    planned = list(processes)
    text = [
        _HEAD.format(
            user=f"user={user}\n" if user else "",
            logs=_plain(folders.logs),
            home=_plain(folders.home),
            socket=_plain(folders.socket),
        )
    ]
    groups = list(dict.fromkeys(process.group for process in planned))
    for priority, group in enumerate(groups, start=1):
        names = ",".join(each.name for each in planned if each.group == group)
        text.append(f"\n[group:{group}]\nprograms={names}\npriority={priority * 100}\n")
    text += [
        _PROGRAM.format(
            name=each.name,
            script=_plain(shlex.quote(str(folders.script(each.name)))),
            root=_plain(folders.root),
            settled=_SETTLED_SECONDS,
            retries=_RETRIES,
            stop_signal=each.stop_signal,
            stop_seconds=_FORCED_END_SECONDS,
            log=_plain(folders.log(each.name)),
        )
        for each in planned
    ]
    return "".join(text)


def script(process: Process, folders: Folders) -> str:
    """Return the shell script that records its pid and then becomes the process."""
    exports = "".join(
        f"export {key}={shlex.quote(value)}\n" for key, value in sorted(process.environment.items())
    )
    standing_back = ("nice", "-n", str(process.niceness)) if process.niceness else ()
    record = shlex.quote(str(folders.pids / process.name))
    return (
        "#!/bin/sh\n"
        f"# Starts {process.name}. Made anew at every start: changes here are lost.\n"
        "umask 077\n"
        "read -r boot < /proc/sys/kernel/random/boot_id\n"
        "read -r stat < /proc/$$/stat\n"
        f'printf \'%s\\n%s\\n\' "$boot" "$stat" > {record}\n'
        f"{exports}exec {shlex.join((*standing_back, *process.command))}\n"
    )


def count_spawned(log: str) -> dict[str, int]:
    """Return how often each process was started, from supervisord's log."""
    counts: dict[str, int] = {}
    for name in _SPAWNED.findall(log):
        counts[name] = counts.get(name, 0) + 1
    return counts


def _plain(value: object) -> str:
    # supervisord expands %(name)s in every value.
    return str(value).replace("%", "%%")


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_CALL_SECONDS)
        self._path = path

    def connect(self) -> None:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(_CALL_SECONDS)
        try:
            made.connect(self._path)
        except OSError:
            made.close()
            raise
        self.sock = made


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: tuple[str, dict[str, str]] | str) -> http.client.HTTPConnection:
        made = _Connection(self._path)
        self._connection = host, made  # where the base class looks for what to close
        return made


class Supervisord:
    """A running supervisord, asked over its socket; OSError when it is away."""

    def __init__(self, socket_path: Path) -> None:
        """Talk to the one that listens there."""
        self._socket_path = str(socket_path)

    def states(self) -> dict[str, State]:
        """Return every process's state."""
        found = self._call("getAllProcessInfo")
        return {each["name"]: State(each["statename"]) for each in found}

    def pid(self) -> int:
        """Return supervisord's own pid."""
        return int(self._call("getPID"))

    def start(self, process: Process) -> None:
        """Start a process without waiting for it."""
        wait = False
        self._call("startProcess", f"{process.group}:{process.name}", wait)

    def shut_down(self) -> None:
        """End every process, last group first, and then supervisord."""
        self._call("shutdown")

    def _call(self, method: str, *arguments: object) -> Any:
        # One connection a call: callers stand in several threads.
        with xmlrpc.client.ServerProxy(
            "http://supervisord/RPC2", transport=_Transport(self._socket_path)
        ) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)
