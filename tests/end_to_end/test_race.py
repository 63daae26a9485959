"""A short race with one seed, on a platform of its own; `make race` is the long one."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from deploy.local.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.end_to_end
_SECONDS: Final = 240


@pytest.mark.timeout(_SECONDS + 30)
def test_nothing_passes_after_a_no_while_parts_are_killed_and_frozen(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.race", "--seed", "7", "--people", "12"),
            *("--withdrawals", "60", "--claims", "300", "--seconds", "120"),
            *("--home", tmp_path / "home", "--results", tmp_path),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = json.loads((tmp_path / "race.json").read_text())
    assert found["invariants"] == {"I2": "held", "I3": "held", "I18": "held"}
    assert found["faults"]
