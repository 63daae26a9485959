"""A broker of its own, an identity that answers, and the worker as a real process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.kit.service_tokens import generate_keypair
from tests import native
from tests.integration.nudges.identity import Identity
from tests.integration.nudges.log_client import LogClient
from tests.integration.nudges.worker import Worker, worker_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from deploy.local.platform import Platform


@pytest.fixture(scope="session")
def broker() -> Iterator[Platform]:
    """Kafka alone, with the platform's topics: tests here delete topics and kill it."""
    platform = native.start_platform("own", only=("kafka",), services=False)
    try:
        yield platform
    finally:
        platform.stop()


@pytest.fixture
def log(broker: Platform) -> Iterator[LogClient]:
    """A client that puts records on the log and reads them all."""
    client = LogClient(broker.endpoints["kafka"])
    yield client
    client.close()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The keys by which services know each other."""
    folder = tmp_path_factory.mktemp("keys")
    generate_keypair(folder / "nudges.private.pem", folder / "nudges.public.pem")
    return folder


@pytest.fixture
def identity(keys: Path) -> Iterator[Identity]:
    """identity's Snapshot behind a real gRPC door."""
    server = Identity(keys)  # type: ignore[abstract]  # one RPC of five
    server.start()
    yield server
    server.stop()


@pytest.fixture
def make_worker(
    broker: Platform, identity: Identity, keys: Path, tmp_path: Path
) -> Iterator[Callable[..., Worker]]:
    """Makes workers, and ends those that a test left."""
    made: list[Worker] = []

    def make(slot: str = "nudges-1", **settings: str) -> Worker:
        environment = worker_environment(
            broker.endpoints["kafka"], identity.target, keys, tmp_path / slot, slot
        )
        environment |= {f"NUDGES_{name.upper()}": value for name, value in settings.items()}
        made.append(Worker(environment, tmp_path / f"worker-{len(made)}.log"))
        return made[-1]

    yield make
    for worker in made:
        worker.end()


@pytest.fixture(scope="module")
def module_worker(
    broker: Platform, keys: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worker]:
    """One worker for a file of tests."""
    server = Identity(keys)  # type: ignore[abstract]  # one RPC of five
    server.start()
    folder = tmp_path_factory.mktemp("worker")
    worker = Worker(
        worker_environment(
            broker.endpoints["kafka"], server.target, keys, folder / "data", "nudges-1"
        ),
        folder / "log",
    )
    yield worker
    worker.end()
    server.stop()
