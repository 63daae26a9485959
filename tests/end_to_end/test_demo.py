"""What `make demo CHECK=1` asserts, all of it, on a platform of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from demo.showing.performance import RESULT
from deploy.local.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.end_to_end
# Beside the demo that somebody may be watching, and below the ports that other tests take.
_PORT_BASE: Final = "26500"
_SECONDS: Final = 300


@pytest.mark.timeout(_SECONDS + 30)
def test_the_demo_sees_everything_it_plays(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--check", "--people", "300"],
        cwd=ROOT,
        env={
            **os.environ,
            "JOINEDUP_HOME": str(tmp_path / "home"),
            "JOINEDUP_PORT_BASE": _PORT_BASE,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )

    assert done.returncode == 0, done.stdout[-3000:]
    found = json.loads(RESULT.read_text())
    assert found["passed"]
    assert [step["name"] for step in found["steps"] if not step["passed"]] == []
