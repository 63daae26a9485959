"""The process table says what runs, where, in which order and with which settings."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from deploy.local import plan, ports, services
from deploy.local.errors import LocalError
from deploy.local.running.readiness import Kind
from deploy.local.servers.kafka import KafkaFiles
from deploy.local.servers.postgres import PostgresFiles
from deploy.local.settings import External

HOME = Path("/home/of/this")
ALL = (*plan.STORES, *plan.TOOLS, *services.NAMES)
NOWHERE = External()


def machine(**changes: object) -> plan.Machine:
    known: dict[str, object] = {
        "root": Path("/clone"),
        "home": HOME,
        "port_base": 18000,
        "python": "/clone/.venv/bin/python",
        "external": NOWHERE,
        "kafka": KafkaFiles(
            java="java",
            jars=(Path("/jars/a.jar"), Path("/jars/b.jar")),
            archive=HOME / "broker.jsa",
            properties=HOME / "kafka.properties",
            data=HOME / "data" / "kafka",
            log=HOME / "logs" / "kafka-broker.log",
        ),
        "postgres": PostgresFiles(
            bin=Path("/pg/bin"),
            data=HOME / "data" / "postgres",
            sockets=Path("/tmp/short"),
            keys=HOME / "keys",
            prefix=("unshare", "-U"),
        ),
        "postgres_password": "p/w",
        "zipkin_jar": Path("/jars/zipkin.jar"),
        "passwords": {"events": "e", "identity": "i", "notifications": "n"},
    }
    return plan.Machine(**{**known, **changes})  # type: ignore[arg-type]


def made(names: tuple[str, ...] = ALL, **overrides: str) -> dict[str, plan.Process]:
    return {each.name: each for each in plan.make(machine(), names, overrides)}


def test_everything_runs_unless_something_is_chosen() -> None:
    assert plan.choose(None, own=True, external=NOWHERE) == list(ALL)


def test_a_choice_keeps_the_start_order() -> None:
    assert plan.choose(["redis", "kafka"], own=True, external=NOWHERE) == ["kafka", "redis"]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (False, []),
        (["portal", "events"], ["events", "portal"]),
        (["notifications", "notifications_2"], ["notifications", "notifications_2"]),
    ],
)
def test_our_services_can_be_chosen_apart(own: bool | list[str], expected: list[str]) -> None:
    chosen = plan.choose(None, own=own, external=NOWHERE)

    assert chosen == [*plan.STORES, *plan.TOOLS, *expected]


def test_a_store_that_exists_elsewhere_is_not_started() -> None:
    elsewhere = External(kafka_bootstrap="broker:9092")

    assert plan.choose(["kafka", "redis"], own=True, external=elsewhere) == ["redis"]


def test_a_misspelt_name_is_refused_with_the_right_ones() -> None:
    with pytest.raises(LocalError, match=r"kafak.*kafka"):
        plan.choose(["kafak"], own=True, external=NOWHERE)


def test_groups_start_stores_first_and_services_last() -> None:
    groups = [process.group for process in made().values()]

    assert groups == sorted(groups, key=list(plan.Group).index)


def test_no_two_processes_share_a_port() -> None:
    numbers = [
        number for process in made((*ALL, "notifications_2")).values() for number in process.ports
    ]

    assert len(numbers) == len(set(numbers))
    assert all(18000 < number < 32768 for number in numbers)


def test_every_process_is_asked_whether_it_is_ready_at_its_own_port() -> None:
    for process in made().values():
        asked = process.question.target

        assert any(str(number) in asked for number in process.ports), process.name
        assert "127.0.0.1" in asked or process.name == "postgres"


def test_the_database_is_reached_through_its_socket() -> None:
    database = made()["postgres"]

    assert f"host={quote('/tmp/short', safe='')}" in database.question.target


def test_a_service_is_ready_when_its_probe_says_so() -> None:
    question = made()["events"].question

    assert (question.kind, question.target) == (Kind.HTTP, "http://127.0.0.1:18081/health/ready")


def test_postgres_is_asked_to_end_at_once_and_runs_unprivileged() -> None:
    process = made()["postgres"]

    assert process.stop_signal == "INT"
    assert process.command[:3] == ("unshare", "-U", "/pg/bin/postgres")


def test_fsync_is_on_unless_a_test_switches_it_off() -> None:
    assert "fsync=off" not in made()["postgres"].command
    assert "fsync=off" in made(POSTGRES_FSYNC="off")["postgres"].command


def test_no_command_line_shows_a_password() -> None:
    text = " ".join(part for process in made().values() for part in process.command)

    assert "p/w" not in text
    assert "p%2Fw" not in text


def test_endpoints_have_the_promised_names() -> None:
    assert set(plan.endpoints(machine(), ALL)) == {
        "events_http",
        "events_grpc",
        "identity_grpc",
        "notifications_grpc",
        "portal",
        "sign_in",
        "traces",
        "metrics",
        "kafka",
        "postgres",
        "redis",
    }


def test_every_store_has_an_address_that_answers_from_outside() -> None:
    found = plan.endpoints(machine(), ["kafka", "postgres", "redis"])

    assert found == {
        "kafka": "127.0.0.1:18092",
        "postgres": "127.0.0.1:18432",
        "redis": "127.0.0.1:18379",
    }


def test_endpoints_name_only_what_runs_or_exists_elsewhere() -> None:
    elsewhere = External(database_url="postgresql://admin:secret@db.internal:5432/postgres")

    found = plan.endpoints(machine(external=elsewhere), ["redis"])

    assert found == {"postgres": "db.internal:5432", "redis": "127.0.0.1:18379"}


def test_services_are_pointed_at_servers_that_exist_elsewhere() -> None:
    elsewhere = External(
        kafka_bootstrap="broker:9092",
        database_url="postgresql://admin:secret@db:5432/postgres",
        redis_url="redis://cache:6379/3",
    )

    around = plan.surroundings(machine(external=elsewhere))

    assert around.kafka_bootstrap == "broker:9092"
    assert around.redis_url == "redis://cache:6379/3"
    assert around.database_urls["events"] == "postgresql://events:e@db:5432/events"


@pytest.mark.parametrize("missing", ["kafka", "postgres", "zipkin_jar"])
def test_a_plan_without_the_files_of_a_server_is_refused(missing: str) -> None:
    name = {"zipkin_jar": "zipkin"}.get(missing, missing)

    with pytest.raises(LocalError, match=r"no (files|jar)"):
        plan.make(machine(**{missing: None}), [name], {})


@pytest.mark.parametrize("base", [80, 1023, 32768 - 432, 60000])
def test_a_base_outside_the_usable_range_is_refused(base: int) -> None:
    with pytest.raises(LocalError, match="between 1024 and 32335"):
        ports.check_base(base)


def test_the_default_base_is_usable() -> None:
    assert ports.check_base(ports.DEFAULT_BASE) == 17000


def test_what_a_department_waits_for_goes_first_while_the_processors_are_full() -> None:
    niceness = {name: process.niceness for name, process in made((*ALL, "notifications_2")).items()}

    assert niceness["events"] == niceness["identity"] == niceness["kafka"] == 0
    assert niceness["postgres"] == 0
    assert 0 < niceness["notifications"] == niceness["notifications_2"] < niceness["zipkin"]
