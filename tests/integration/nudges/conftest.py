"""A broker of its own, an identity that answers, and the worker as a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from services.kit.service_tokens import generate_keypair
from tests import native
from tests.integration.nudges.identity import Identity
from tests.integration.nudges.log_client import LogClient
from tests.ports import free_port
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deploy.local.platform import Platform

ROOT = Path(__file__).resolve().parents[3]


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


class Worker:
    """One process of the service."""

    def __init__(self, environment: dict[str, str], output: Path) -> None:
        self._environment = environment
        self._output = output
        self._process: Any = None

    def start(self) -> Worker:
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.nudges"],
                cwd=ROOT,
                env=self._environment,
                stdout=output,
                stderr=output,
            )
        return self

    def wait_ready(self, seconds: float = 60.0) -> Worker:
        address = f"http://127.0.0.1:{self._environment['NUDGES_PROBE_PORT']}/health/ready"

        def ready() -> bool:
            assert self._process.poll() is None, self.said()
            try:
                with urlopen(address, timeout=2) as answer:
                    return bool(answer.status == 200)
            except (URLError, OSError):
                return False

        eventually(ready, seconds, self.said)
        return self

    def metrics(self) -> str:
        address = f"http://127.0.0.1:{self._environment['NUDGES_PROBE_PORT']}/metrics"
        with urlopen(address, timeout=2) as answer:
            return str(answer.read().decode())

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def terminate(self, seconds: float = 20.0) -> int:
        self._process.terminate()
        return self.wait_end(seconds)

    def wait_end(self, seconds: float) -> int:
        return int(self._process.wait(seconds))

    def running(self) -> bool:
        return bool(self._process.poll() is None)

    def said(self) -> str:
        return self._output.read_text()[-6000:]

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()


def worker_environment(
    broker: Platform, identity: Identity, keys: Path, data: Path, slot: str
) -> dict[str, str]:
    """The environment of one worker."""
    return {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'protos' / 'python'}",
        "NUDGES_ENVIRONMENT": "test",
        "NUDGES_PROBE_PORT": str(free_port()),
        "NUDGES_KAFKA_BOOTSTRAP": broker.endpoints["kafka"],
        "NUDGES_IDENTITY_TARGET": identity.target,
        "NUDGES_CONSUMER_SLOT": slot,
        "NUDGES_DATA_DIR": str(data),
        "NUDGES_SERVICE_KEY_FILE": str(keys / "nudges.private.pem"),
    }


@pytest.fixture
def make_worker(
    broker: Platform, identity: Identity, keys: Path, tmp_path: Path
) -> Iterator[Callable[..., Worker]]:
    """Makes workers, and ends those that a test left."""
    made: list[Worker] = []

    def make(slot: str = "nudges-1", **settings: str) -> Worker:
        environment = worker_environment(broker, identity, keys, tmp_path / slot, slot)
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
        worker_environment(broker, server, keys, folder / "data", "nudges-1"), folder / "log"
    )
    yield worker
    worker.end()
    server.stop()
