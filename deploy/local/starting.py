"""Bringing the platform up: make room, prepare, start group after group, each when ready."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from deploy.local import plan
from deploy.local.errors import AlreadyRunning, PortTaken, ServerAway, StartFailed
from deploy.local.preparing import keys
from deploy.local.preparing.machine import prepare
from deploy.local.running import readiness, recorded, state, supervisord
from deploy.local.running.readiness import Kind, Question
from deploy.local.servers import postgres
from deploy.local.services import WITH_DATABASE
from deploy.local.stopping import clear, failed_ports, last_lines, locked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from deploy.local.running.display import Progress
    from deploy.local.running.supervisord import Folders
    from deploy.local.settings import External

_LAUNCH_SECONDS: Final = 20
_READY_SECONDS: Final = 120.0
# Two ends before the first readiness: it will not come up by itself.
_HOPELESS_STARTS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to start."""

    folders: Folders
    port_base: int
    external: External
    only: Collection[str] | None = None
    services: bool | Collection[str] = True
    settings: Mapping[str, str] = field(default_factory=dict)
    owned: bool = True
    fresh: bool = False
    topics: bool = True


def start(request: Request, progress: Progress) -> state.State:
    """Start what is asked for and return once all of it is ready; on failure nothing is left."""
    folders = request.folders
    state.make_folders(folders)
    with locked(folders.home):
        _make_room(request)
        try:
            return _start(request, progress)
        except BaseException:
            clear(folders, state.load(folders.home))
            raise


def _start(request: Request, progress: Progress) -> state.State:
    folders = request.folders
    if request.fresh:
        shutil.rmtree(folders.home / "data", ignore_errors=True)
    state.make_folders(folders)
    names = _names(request)
    machine = prepare(names, folders, request.port_base, request.external, progress.note)
    processes = plan.make(machine, names, request.settings)
    _refuse_taken_ports(processes)
    _refuse_absent_servers(request.external)
    keys.ensure_keys(folders.home, keys.publishers_in(folders.root / "catalogue"))
    return _bring_up(request, machine, processes, progress)


def _bring_up(
    request: Request,
    machine: plan.Machine,
    processes: list[plan.Process],
    progress: Progress,
) -> state.State:
    folders = request.folders
    daemon = _launch(folders, processes)
    owner = recorded.observe(os.getpid()) if request.owned else None
    begun = state.State(
        complete=False,
        sockets=str(folders.sockets),
        supervisord=daemon.line(),
        owner=owner.line() if owner else None,
        members=tuple(_member(each) for each in processes),
        endpoints=plan.endpoints(machine, [each.name for each in processes]),
        admin_url=plan.admin_url(machine),
        database_urls=dict(plan.surroundings(machine).database_urls),
    )
    state.save(folders.home, begun)
    stores = [each for each in processes if each.group == plan.Group.STORES]
    others = [each for each in processes if each.group != plan.Group.STORES]
    _start_all(folders, stores, progress)
    _fill_stores(request, machine, progress)
    _start_all(folders, others, progress)
    complete = state.completed(begun)
    (folders.home / "endpoints.json").write_text(json.dumps(complete.endpoints, indent=2) + "\n")
    state.save(folders.home, complete)
    return complete


def _names(request: Request) -> list[str]:
    return plan.choose(request.only, own=request.services, external=request.external)


def _make_room(request: Request) -> None:
    found = state.load(request.folders.home)
    if found is not None and state.running(found) and not state.abandoned(found):
        message = f"it is already running in {request.folders.home}; `make down` ends it"
        raise AlreadyRunning(message)
    clear(request.folders, found)


def _refuse_absent_servers(external: External) -> None:
    brokers = (external.kafka_bootstrap or "").split(",")
    asked = {
        "KAFKA_BOOTSTRAP": [Question(Kind.KAFKA, each) for each in brokers if each],
        "DATABASE_URL": [Question(Kind.POSTGRES, each) for each in [external.database_url] if each],
    }
    for variable, questions in asked.items():
        if questions and not any(map(readiness.ready, questions)):
            message = f"the server that {variable} names does not answer: start it, or unset that"
            raise ServerAway(message)


def _refuse_taken_ports(processes: Iterable[plan.Process]) -> None:
    for each in processes:
        if taken := failed_ports(each.ports):
            message = (
                f"port {taken[0]}, which {each.name} needs, is taken: end what listens there, "
                "or set JOINEDUP_PORT_BASE to another base than this one"
            )
            raise PortTaken(message)


def _launch(folders: Folders, processes: list[plan.Process]) -> recorded.Recorded:
    for old in folders.logs.glob("supervisord.log*"):
        old.unlink()
    for each in processes:
        path = folders.script(each.name)
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(supervisord.script(each, folders))
    user = pwd.getpwuid(0).pw_name if os.geteuid() == 0 else None
    path = folders.home / "supervisord.conf"
    path.write_text(supervisord.configuration(folders, processes, user))
    done = subprocess.run(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=_LAUNCH_SECONDS,
        cwd=folders.root,
    )
    if done.returncode != 0:
        message = "supervisord did not start"
        raise StartFailed(message, tuple((done.stdout + done.stderr).splitlines()[-20:]))
    # Its socket listens before it leaves the foreground, so it answers from here on.
    daemon = recorded.observe(supervisord.Supervisord(folders.socket).pid())
    if daemon is None:
        message = "supervisord ended at once"
        raise StartFailed(message, last_lines(folders, "supervisord"))
    return daemon


def _start_all(folders: Folders, processes: list[plan.Process], progress: Progress) -> None:
    daemon = supervisord.Supervisord(folders.socket)
    for each in processes:
        daemon.start(each)
        progress.started(each.name)
    if not processes:
        return
    culprits: list[str] = []
    with ThreadPoolExecutor(max_workers=len(processes)) as pool:
        waits = [pool.submit(_wait, folders, each, progress, culprits) for each in processes]
    for wait in waits:
        wait.result()
    if culprits:
        name = culprits[0]
        message = f"{name} did not become ready; its log is {folders.log(name)}"
        raise StartFailed(message, last_lines(folders, name))


def _wait(folders: Folders, process: plan.Process, progress: Progress, culprits: list[str]) -> None:
    begun, log = time.monotonic(), folders.logs / "supervisord.log"

    def hopeless() -> bool:
        starts = supervisord.count_spawned(log.read_text()).get(process.name, 0)
        return bool(culprits) or starts >= _HOPELESS_STARTS

    if readiness.wait(process.question, _READY_SECONDS, failed=hopeless):
        progress.ready(process.name, time.monotonic() - begun, process.address)
    elif not culprits:
        # The first to fail is told of; the others only stop waiting.
        culprits.append(process.name)


def _fill_stores(request: Request, machine: plan.Machine, progress: Progress) -> None:
    names = _names(request)
    if "postgres" in names or machine.external.database_url:
        admin = plan.admin_url(machine)
        for role in WITH_DATABASE:
            postgres.ensure_database(admin, role, machine.passwords[role])
    if request.topics and ("kafka" in names or machine.external.kafka_bootstrap):
        # Only here: without a broker nobody should wait for its client to load.
        from deploy.local.topics import declared
        from services.kit.topics import create_topics

        topics = declared(request.folders.root)
        made = create_topics(plan.kafka_bootstrap(machine), topics)
        progress.note(f"{len(made)} topics made, {len(topics) - len(made)} were there")


def _member(process: plan.Process) -> state.Member:
    return state.Member(
        name=process.name,
        group=process.group,
        address=process.address,
        kind=process.question.kind,
        target=process.question.target,
        ports=process.ports,
    )
