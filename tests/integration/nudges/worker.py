"""The service as a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from tests.ports import free_port
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[3]


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
    kafka: str, identity: str, keys: Path, data: Path, slot: str
) -> dict[str, str]:
    """The environment of one worker: where the log and identity are, and its place."""
    return {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'protos' / 'python'}",
        "NUDGES_ENVIRONMENT": "test",
        "NUDGES_PROBE_PORT": str(free_port()),
        "NUDGES_KAFKA_BOOTSTRAP": kafka,
        "NUDGES_IDENTITY_TARGET": identity,
        "NUDGES_CONSUMER_SLOT": slot,
        "NUDGES_DATA_DIR": str(data),
        "NUDGES_SERVICE_KEY_FILE": str(keys / "nudges.private.pem"),
    }
