"""What supervisord and the shell are given is what the plan says."""

from __future__ import annotations

import configparser
import shlex
import subprocess
from pathlib import Path

from deploy.local.plan import Group, Process
from deploy.local.running import recorded, supervisord
from deploy.local.running.readiness import Kind, Question

FOLDERS = supervisord.Folders(Path("/a clone/50%"), Path("/a home/50%"), Path("/tmp/short"))


def process(name: str, group: Group = Group.STORES, **changes: object) -> Process:
    known: dict[str, object] = {
        "name": name,
        "group": group,
        "command": ("true",),
        "address": "127.0.0.1:1",
        "question": Question(Kind.REDIS, "127.0.0.1:1"),
        "ports": (1,),
    }
    return Process(**{**known, **changes})  # type: ignore[arg-type]


def configuration(*processes: Process, user: str | None = None) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser()
    parsed.read_string(supervisord.configuration(FOLDERS, processes, user))
    return parsed


def test_stores_start_before_services_and_so_stop_after_them() -> None:
    parsed = configuration(process("kafka"), process("events", Group.SERVICES))

    priorities = [int(parsed[f"group:{name}"]["priority"]) for name in ("stores", "services")]
    assert priorities == sorted(set(priorities))


def test_a_process_that_ends_is_restarted_and_one_that_hangs_is_killed_with_its_children() -> None:
    found = configuration(process("kafka"))["program:kafka"]

    assert found.getboolean("autorestart")
    assert not found.getboolean("autostart")
    assert found.getboolean("stopasgroup")
    assert found.getboolean("killasgroup")
    assert found.getint("stopwaitsecs") == 10


def test_paths_with_spaces_and_percent_signs_survive() -> None:
    found = configuration(process("kafka"))["program:kafka"]

    assert shlex.split(found["command"]) == ["/bin/sh", "/a home/50%/programs/kafka.sh"]
    assert found["stdout_logfile"] == "/a home/50%/logs/kafka.log"


def test_every_log_is_bounded() -> None:
    parsed = configuration(process("kafka"), process("redis"))

    assert all(
        parsed[section]["stdout_logfile_maxbytes"] == "10MB"
        for section in parsed.sections()
        if section.startswith("program:")
    )


def test_a_script_records_its_pid_and_then_becomes_the_process(tmp_path: Path) -> None:
    places = supervisord.Folders(tmp_path, tmp_path, tmp_path)
    places.pids.mkdir()
    command = ("sh", "-c", 'echo "$$ $GREETING"')
    text = supervisord.script(
        process("echo", command=command, environment={"GREETING": "it's $HOME"}), places
    )
    script = tmp_path / "echo.sh"
    script.write_text(text)

    said = subprocess.run(["/bin/sh", str(script)], capture_output=True, text=True, check=True)

    found = recorded.read(places.pids / "echo")
    assert found is not None
    assert said.stdout == f"{found.pid} it's $HOME\n"
    assert not recorded.alive(found)


def test_starts_are_counted_from_the_log() -> None:
    log = (
        "2026-11-23 04:00:42,256 INFO spawned: 'kafka' with pid 10778\n"
        "2026-11-23 04:00:43,256 INFO exited: kafka (terminated by SIGKILL; not expected)\n"
        "2026-11-23 04:00:44,267 INFO spawned: 'kafka' with pid 10779\n"
        "2026-11-23 04:00:44,284 INFO spawned: 'redis' with pid 10781\n"
    )

    assert supervisord.count_spawned(log) == {"kafka": 2, "redis": 1}
