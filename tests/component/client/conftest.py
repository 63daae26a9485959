"""The sign-in provider of the local platform, and a station that devices can hear."""

import socket
import subprocess
import sys

import pytest

from deploy.local.running.readiness import Kind, Question, wait
from tests.component.client.station import on_air

FIRST_PORT, LAST_PORT = 28900, 29100


@pytest.fixture(scope="session")
def provider():
    """The provider's address."""
    port = _free_port()
    process = subprocess.Popen([sys.executable, "-m", "deploy.local.sign_in", str(port)])
    address = f"http://127.0.0.1:{port}"
    try:
        question = Question(Kind.HTTP, f"{address}/.well-known/openid-configuration")
        assert wait(question, 20.0, failed=lambda: process.poll() is not None)
        yield address
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
async def station(tmp_path):
    async with on_air(tmp_path / "keys") as made:
        yield made


def _free_port() -> int:
    for port in range(FIRST_PORT, LAST_PORT):
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")
