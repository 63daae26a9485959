"""The servers that integration tests need: real ones, from an engine or natively.

Named servers (KAFKA_BOOTSTRAP, DATABASE_URL, REDIS_URL) are used as they are; else containers
when a Docker engine answers; else this machine's own. When none can be had, tests fail.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from deploy.local.errors import AlreadyRunning, PortTaken
from deploy.local.platform import Platform
from deploy.local.ports import OFFSETS, port
from deploy.local.running.readiness import Kind, Question, wait
from deploy.local.settings import ROOT, External, from_environment
from deploy.local.stopping import failed_ports
from services.kit.ids import new_random_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STORES: Final = ("kafka", "postgres", "redis")
_SLOTS: Final = 5
_SLOT_PORTS: Final = 500
_ENGINE_SECONDS: Final = 5
_CONTAINER_SECONDS: Final = 120.0
FIRST_BASE: Final = {"stores": 21000, "platform": 24000, "own": 27000}


@dataclass(frozen=True, slots=True)
class Stores:
    """Three real servers and where they came from."""

    kafka_bootstrap: str
    postgres_url: str
    redis_url: str
    source: str
    stop: Callable[[], None]


def start_platform(kind: str, **wanted: Any) -> Platform:
    """Start a platform in the first home and ports of this kind that no other run holds."""
    refusals = []
    for slot in range(_SLOTS):
        home = ROOT / "build" / "test-run" / f"{kind}-{slot}"
        base = FIRST_BASE[kind] + slot * _SLOT_PORTS
        try:
            return Platform.start(home, base, fresh=True, **wanted)
        except (AlreadyRunning, PortTaken) as refusal:
            refusals.append(str(refusal))
    message = f"no slot for {kind} is free: {refusals[0]}"
    raise AssertionError(message)


def start_stores() -> Stores:
    """Start, or find, Kafka, PostgreSQL and Redis."""
    named = from_environment().external
    if named.kafka_bootstrap and named.database_url and named.redis_url:
        urls = (named.kafka_bootstrap, named.database_url, named.redis_url)
        return Stores(*urls, "existing servers, named by the environment", lambda: None)
    if not any((named.kafka_bootstrap, named.database_url, named.redis_url)) and engine_answers():
        return _in_containers()
    platform = start_platform(
        "stores",
        only=_STORES,
        settings={"POSTGRES_FSYNC": "off"},
        external=External(
            kafka_bootstrap=named.kafka_bootstrap,
            database_url=named.database_url,
            redis_url=named.redis_url,
        ),
    )
    return Stores(
        platform.endpoints["kafka"],
        platform.admin_url,
        named.redis_url or f"redis://{platform.endpoints['redis']}/0",
        "native servers",
        platform.stop,
    )


@contextlib.contextmanager
def fresh_database(admin_url: str) -> Iterator[str]:
    """Make an empty database, yield its URL, and drop it."""
    name = f"test_{new_random_id()}"
    identifier = sql.Identifier(name)
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
    try:
        yield on_database(admin_url, name)
    finally:
        with psycopg.connect(admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def on_database(url: str, name: str) -> str:
    """The same server and role, and another of its databases."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def engine_answers() -> bool:
    """Tell whether a Docker engine answers here."""
    if not os.environ.get("DOCKER_HOST") and not Path("/var/run/docker.sock").exists():
        return False
    import docker  # noqa: PLC0415 - only where an engine may be

    try:
        client = docker.from_env(timeout=_ENGINE_SECONDS)
    except docker.errors.DockerException:
        return False
    try:
        return bool(client.ping())
    except (docker.errors.DockerException, OSError):
        return False
    finally:
        client.close()


def _in_containers() -> Stores:
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - the same

    base = _free_base()
    kafka, postgres, redis = (port(base, name) for name in _STORES)
    password = new_random_id()
    containers = [
        _kafka_container(DockerContainer, kafka),
        DockerContainer("postgres:17-alpine")
        .with_env("POSTGRES_PASSWORD", password)
        .with_bind_ports(5432, postgres),
        DockerContainer("redis:8-alpine").with_bind_ports(6379, redis),
    ]
    url = f"postgresql://postgres:{password}@127.0.0.1:{postgres}/postgres"
    questions = (
        Question(Kind.KAFKA, f"127.0.0.1:{kafka}"),
        Question(Kind.POSTGRES, url),
        Question(Kind.REDIS, f"127.0.0.1:{redis}"),
    )

    def stop() -> None:
        for container in containers:
            container.stop()

    try:
        for container in containers:
            container.start()
        for question in questions:
            ready = wait(question, _CONTAINER_SECONDS, failed=lambda: False)
            assert ready, f"{question.kind} in its container did not become ready"
    except BaseException:
        stop()
        raise
    return Stores(
        f"127.0.0.1:{kafka}",
        url,
        f"redis://127.0.0.1:{redis}/0",
        "containers (testcontainers)",
        stop,
    )


def _kafka_container(make: Any, number: int) -> Any:
    # Advertised must be what clients dial, so the host's port is chosen before the start.
    settings = {
        "NODE_ID": "1",
        "PROCESS_ROLES": "broker,controller",
        "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{number}",
        "LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "INTER_BROKER_LISTENER_NAME": "PLAINTEXT",
        "AUTO_CREATE_TOPICS_ENABLE": "false",
        "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_MIN_ISR": "1",
    }
    container = make("apache/kafka:4.3.1").with_bind_ports(9092, number)
    for key, value in settings.items():
        container = container.with_env(f"KAFKA_{key}", value)
    return container


def _free_base() -> int:
    for slot in range(_SLOTS):
        base = FIRST_BASE["stores"] + slot * _SLOT_PORTS
        if not failed_ports(base + offset for offset in OFFSETS.values()):
            return base
    message = "no ports are free for the containers"
    raise AssertionError(message)
