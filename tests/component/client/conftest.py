"""The sign-in provider of the local platform, and a station that devices can hear."""

import subprocess
import sys

import pytest

from deploy.local.running.readiness import Kind, Question, wait
from tests.component.client.station import on_air
from tests.ports import free_port


@pytest.fixture(scope="session")
def provider():
    """The provider's address."""
    port = free_port()
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
