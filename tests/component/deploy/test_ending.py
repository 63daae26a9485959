"""A process has ended when it does nothing any more, whoever must still bury it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from deploy.local.running import recorded


def test_a_process_that_nobody_has_buried_counts_as_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        found = recorded.observe(child.pid)
        child.kill()

        assert not recorded.wait_gone([found] if found else [], 5)
        assert Path(f"/proc/{child.pid}").exists()


def test_a_process_that_ignores_the_request_is_killed_with_its_group() -> None:
    stubborn = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(1, flush=True); signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", stubborn], stdout=subprocess.PIPE, process_group=0
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        found = recorded.observe(child.pid)
        assert found is not None

        recorded.end({"stubborn": found}, 0.2)

        assert not recorded.alive(found)
