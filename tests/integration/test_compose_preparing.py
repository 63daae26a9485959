"""The containers that end leave real stores as the services need them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from kafka.admin import KafkaAdminClient

from deploy.compose.__main__ import main
from deploy.local.services import WITH_DATABASE
from deploy.local.topics import declared
from tests.containers import COMPOSE, ROOT
from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration


@pytest.fixture
def handed(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The keys that were handed out, with roles and databases made twice, as by two starts."""
    monkeypatch.setenv("JOINEDUP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    for verb in (["keys", str(tmp_path / "handed")], ["databases"], ["databases"]):
        assert main(verb) == 0
    return tmp_path / "handed"


def url_of(postgres_url: str, role: str, database: str, file: Path) -> str:
    parts = urlsplit(postgres_url)
    place = parts.netloc.rpartition("@")[2]
    query = "&".join(part for part in (parts.query, f"passfile={file}") if part)
    path = f"/{database}"
    return urlunsplit(parts._replace(netloc=f"{role}@{place}", path=path, query=query))


@pytest.mark.parametrize("role", WITH_DATABASE)
def test_a_service_opens_its_database_with_the_file_it_was_handed(
    handed: Path, postgres_url: str, role: str
) -> None:
    url = url_of(postgres_url, role, role, handed / role / "postgres" / f"{role}.pgpass")

    with psycopg.connect(url, connect_timeout=5) as connection:
        found = connection.execute("SELECT current_user, current_database()").fetchone()

    assert found == (role, role)


def test_no_other_database_opens_to_it(handed: Path, postgres_url: str) -> None:
    file = handed / "events" / "postgres" / "events.pgpass"

    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(url_of(postgres_url, "events", "identity", file), connect_timeout=5)


def test_every_declared_topic_is_on_the_broker(
    kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP", kafka_bootstrap)

    assert main(["topics"]) == 0

    with KafkaAdminClient(bootstrap_servers=kafka_bootstrap) as admin:
        assert set(admin.list_topics()) >= set(declared(ROOT))


def asked(port: str) -> int:
    script = str(COMPOSE.with_name("kafka_ready.sh"))
    done = subprocess.run(["bash", script, port], capture_output=True, check=False, timeout=10)
    return done.returncode


def test_a_real_broker_says_that_it_is_ready(kafka_bootstrap: str) -> None:
    assert asked(kafka_bootstrap.rpartition(":")[2]) == 0


def test_no_broker_is_not_ready() -> None:
    assert asked(str(free_port())) != 0
