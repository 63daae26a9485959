"""The commands of the servers that are not ours, and the sums of what they run."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from deploy.local.errors import LocalError
from deploy.local.servers import jars, kafka, postgres, redis_server, zipkin
from deploy.local.settings import External, from_environment

DEPLOYED = Path(__file__).resolve().parents[3] / "deploy" / "local"


def kafka_files() -> kafka.KafkaFiles:
    return kafka.KafkaFiles(
        java="java",
        jars=(Path("/a.jar"), Path("/b.jar")),
        archive=Path("/broker.jsa"),
        properties=Path("/kafka.properties"),
        data=Path("/data"),
        log=Path("/kafka.log"),
    )


def settings(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_the_broker_listens_on_loopback_and_makes_no_topic_by_itself() -> None:
    found = settings(kafka.properties(17092, 17093, Path("/data")))

    assert found["listeners"] == "PLAINTEXT://127.0.0.1:17092,CONTROLLER://127.0.0.1:17093"
    assert found["auto.create.topics.enable"] == "false"
    assert found["broker.session.timeout.ms"] == "3000"
    assert found["group.min.session.timeout.ms"] == "6000"


def test_the_broker_reads_its_class_archive_or_writes_it_for_the_next_start() -> None:
    first = kafka.command(kafka_files(), archive_exists=False)
    later = kafka.command(kafka_files(), archive_exists=True)

    assert "-XX:ArchiveClassesAtExit=/broker.jsa" in first
    assert "-XX:SharedArchiveFile=/broker.jsa" in later
    assert "-Xmx256m" in later


def test_the_pinned_broker_is_the_one_in_the_sums() -> None:
    sums = jars.read_sums((DEPLOYED / "kafka" / "jars.sha256").read_text())

    assert {"kafka_2.13-4.3.1.jar", "kafka-tools-4.3.1.jar", "log4j-core-2.25.4.jar"} <= set(sums)
    assert len(sums) == 47


def test_a_jar_that_is_missing_changed_or_smuggled_in_is_named(tmp_path: Path) -> None:
    for name in ("good.jar", "changed.jar", "smuggled.jar"):
        (tmp_path / name).write_bytes(name.encode())
    sums = {
        "good.jar": hashlib.sha256(b"good.jar").hexdigest(),
        "changed.jar": hashlib.sha256(b"something else").hexdigest(),
        "missing.jar": "0" * 64,
    }

    assert jars.wrong_jars(tmp_path, sums) == ["changed.jar", "missing.jar", "smuggled.jar"]


def test_redis_keeps_nothing_and_never_throws_out_silently() -> None:
    text = " ".join(redis_server.command("redis-server", 17379, Path("/data")))

    assert "--bind 127.0.0.1" in text
    assert "--appendonly no" in text
    assert "--maxmemory-policy noeviction" in text


def test_the_trace_page_listens_on_loopback() -> None:
    text = " ".join(zipkin.command("java", Path("/zipkin.jar"), 17050))

    assert "--armeria.ports[0].address=127.0.0.1" in text
    assert "--armeria.ports[0].protocols[0]=http" in text


def test_root_runs_postgres_as_somebody_else() -> None:
    account = (101, 104)

    assert postgres.prefix_for(1000, namespaces=True, account=None) == []
    assert "--map-user=101" in postgres.prefix_for(0, namespaces=True, account=account)
    assert "--reuid=101" in postgres.prefix_for(0, namespaces=False, account=account)
    with pytest.raises(LocalError, match="refuses to run as root"):
        postgres.prefix_for(0, namespaces=True, account=None)


def test_the_database_server_logs_no_statement_and_no_value() -> None:
    files = postgres.PostgresFiles(Path("/bin"), Path("/data"), Path("/s"), Path("/k"), ())
    found = postgres.command(files, 17432)

    assert "log_min_error_statement=panic" in found
    assert "log_error_verbosity=terse" in found
    assert "listen_addresses=127.0.0.1" in found


def test_a_url_for_another_role_keeps_server_and_options() -> None:
    admin = "postgresql://admin:secret@db:5432/postgres?sslmode=require"

    found = postgres.url_for(admin, "events", "p@ss/word", "events")

    assert found == "postgresql://events:p%40ss%2Fword@db:5432/events?sslmode=require"


def test_a_pid_file_of_a_server_that_is_gone_is_removed(tmp_path: Path) -> None:
    pid_file = tmp_path / "postmaster.pid"
    pid_file.write_text("1\n/data\n")

    postgres.forget_stale_pid_file(tmp_path)

    assert not pid_file.exists()


def test_a_password_is_made_once_and_kept_private(tmp_path: Path) -> None:
    first = postgres.ensure_password(tmp_path / "keys", "events")

    assert postgres.ensure_password(tmp_path / "keys", "events") == first
    assert (tmp_path / "keys" / "events.password").stat().st_mode & 0o777 == 0o600


def test_the_environment_names_home_ports_and_other_servers() -> None:
    found = from_environment(
        {"JOINEDUP_HOME": "/elsewhere", "JOINEDUP_PORT_BASE": "18000", "REDIS_URL": "redis://x/0"}
    )

    assert (found.home, found.port_base) == (Path("/elsewhere"), 18000)
    assert found.external == External(redis_url="redis://x/0")


@pytest.mark.parametrize("base", ["x", "-1", "17000.5", "1e4", "٣"])
def test_a_base_that_is_no_number_is_refused(base: str) -> None:
    with pytest.raises(LocalError, match="JOINEDUP_PORT_BASE"):
        from_environment({"JOINEDUP_PORT_BASE": base})
