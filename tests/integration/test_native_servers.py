"""The launcher holds what it promises: it restarts, refuses a second start and clears the past."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from deploy.local.errors import AlreadyRunning, NotRunning, PortTaken, ServerAway, StartFailed
from deploy.local.platform import Platform
from deploy.local.running import readiness, recorded, state
from deploy.local.settings import ROOT, TOOLS, External
from tests.native import FIRST_BASE, on_database, start_platform

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]
STORES = ("kafka", "postgres", "redis")


@pytest.fixture(scope="module")
def own() -> Iterator[Platform]:
    started = start_platform(
        "own", only=STORES, external=External(), settings={"POSTGRES_FSYNC": "off"}
    )
    yield started
    started.stop()


def base_of(platform: Platform) -> int:
    return FIRST_BASE["own"] + int(platform.home.name.rpartition("-")[2]) * 500


@pytest.mark.parametrize("name", STORES)
def test_a_killed_store_is_restarted_and_counted(own: Platform, name: str) -> None:
    first, restarts = own.pid(name), own.restart_count(name)

    own.kill(name, signal.SIGKILL)
    own.wait_ready(name, 30)

    assert own.pid(name) != first
    assert own.restart_count(name) == restarts + 1


def test_status_tells_pid_memory_and_readiness_of_each(own: Platform) -> None:
    rows = {row.name: row for row in own.status()}

    assert list(rows) == list(STORES)
    assert all(row.ready and row.memory_mb > 1 for row in rows.values())
    assert rows["kafka"].pid == own.pid("kafka")


def test_a_second_start_in_the_same_home_is_told_so(own: Platform) -> None:
    with pytest.raises(AlreadyRunning, match="already running"):
        Platform.start(own.home, base_of(own), only=STORES, external=External())

    assert own.pid("kafka")


def test_a_start_on_taken_ports_names_the_port(own: Platform, tmp_path: Path) -> None:
    with pytest.raises(PortTaken, match=str(base_of(own) + 379)):
        Platform.start(tmp_path / "home", base_of(own), only=["redis"], external=External())


def test_servers_that_exist_already_are_used_and_not_started(own: Platform) -> None:
    # A database server of its own: whoever uses one sets the passwords of the roles there.
    database = start_platform("own", only=["postgres"], external=External())
    existing = External(
        kafka_bootstrap=own.endpoints["kafka"],
        database_url=database.admin_url,
        redis_url=f"redis://{own.endpoints['redis']}/0",
    )

    with database, start_platform("own", external=existing, only=[*STORES, "bridge"]) as second:
        assert second.names == ["bridge"]
        assert second.endpoints["kafka"] == own.endpoints["kafka"]
        with psycopg.connect(second.database_url("events")) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("events",)


@pytest.mark.parametrize(
    "away",
    [
        External(kafka_bootstrap="127.0.0.1:1"),
        External(database_url="postgresql://somebody:secret@127.0.0.1:1/postgres"),
    ],
)
def test_a_named_server_that_is_away_is_told_in_one_line(away: External) -> None:
    with pytest.raises(ServerAway, match=r"^the server that [A-Z_]+ names does not answer") as told:
        start_platform("own", external=away, only=["bridge"])

    assert "secret" not in str(told.value)


def test_a_process_that_cannot_start_is_named_with_its_last_lines_and_nothing_is_left() -> None:
    with pytest.raises(StartFailed, match="events did not become ready") as failure:
        start_platform(
            "own",
            only=["redis", "events"],
            external=External(),
            settings={"EVENTS_PROBE_PORT": "none"},
        )

    assert any("EVENTS_PROBE_PORT" in line for line in failure.value.log)
    homes = list((ROOT / "build" / "test-run").glob("own-*"))
    assert not any(list((home / "pids").glob("events")) for home in homes)


def test_only_loopback_is_listened_on(own: Platform) -> None:
    port = own.endpoints["redis"].rpartition(":")[2]
    asked = ["ss", "-Hltn", f"sport = :{port}"]
    listening = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()

    assert own.endpoints["redis"] in listening


def test_each_service_has_its_own_role_and_database(own: Platform) -> None:
    with psycopg.connect(own.database_url("identity")) as connection:
        row = connection.execute("SELECT current_user, current_database()").fetchone()

    assert row == ("identity", "identity")
    strange = on_database(own.database_url("identity"), "events")
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(strange)


def test_orphans_of_a_killed_supervisor_are_ended_by_the_next_start() -> None:
    first = start_platform("own", only=["redis", "postgres"], external=External())
    home, base = first.home, base_of(first)
    orphan = recorded.observe(first.pid("redis"))
    known = state.load(home)
    assert orphan is not None
    assert known is not None
    daemon = recorded.parse(known.supervisord)
    assert daemon is not None
    os.kill(daemon.pid, signal.SIGKILL)
    recorded.wait_gone([daemon], 5)
    assert recorded.alive(orphan)

    with Platform.start(home, base, only=["redis", "postgres"], external=External()) as second:
        assert not recorded.alive(orphan)
        assert second.pid("redis") != orphan.pid

    assert not readiness.listening(f"127.0.0.1:{base + 379}")


def test_a_platform_goes_with_the_killed_process_that_owned_it() -> None:
    first = start_platform("own", only=["redis"], external=External())
    home, base = first.home, base_of(first)
    old = first.pid("redis")
    known = state.load(home)
    assert known is not None
    gone = recorded.Recorded(pid=old, started=1, boot="an earlier boot").line()
    state.save(home, dataclasses.replace(known, owner=gone))

    with Platform.start(home, base, only=["redis"], external=External()) as second:
        assert second.pid("redis") != old


def test_after_stop_nothing_is_left(own: Platform) -> None:
    """The last of this file: nobody needs its platform any more."""
    pids = [recorded.observe(own.pid(name)) for name in STORES]
    sockets = state.folders(ROOT, own.home).sockets
    assert sockets.is_dir()

    own.stop()

    assert not any(recorded.alive(each) for each in pids)
    assert not sockets.exists()
    assert not (own.home / "endpoints.json").exists()
    with pytest.raises(NotRunning):
        Platform.attach(own.home)
    # What makes the next broker's start short outlives even a fresh start.
    assert [*TOOLS.glob("broker-*.jsa"), *own.home.glob("*.jsa")]
