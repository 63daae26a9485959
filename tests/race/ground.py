"""The platform that the race runs on: in a home of its own, with two replicas of notifications."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import Final

from deploy.local.errors import PortTaken
from deploy.local.platform import Platform
from deploy.local.settings import ROOT, External
from tests.race import commit_order

HOME: Final = ROOT / "build" / "race-run"
# Beside the ports of a platform that somebody may be using, of the benchmarks and of the tests.
PORT_BASES: Final = range(13_000, 15_500, 500)
GATES: Final = ("notifications", "notifications_2")
SERVICES: Final = ("events", "identity", "nudges", *GATES, "portal")
ONLY: Final = ("kafka", "postgres", "redis", "sign_in", *SERVICES)
# What `broken_notifications` can break.
MUTANTS: Final = ("M1", "M3", "M13")
# Shorter than by default, so that in one run many of them lapse.
LEASE_SECONDS: Final = 5.0
CLAIM_LEASE_SECONDS: Final = 5.0
_SETTINGS: Final = {
    "IDENTITY_LEASE_SECONDS": str(LEASE_SECONDS),
    "NOTIFICATIONS_CLAIM_LEASE_SECONDS": str(CLAIM_LEASE_SECONDS),
    "SERVICES_OTLP_ENDPOINT": "",
}


def start(home: Path, *, mutant: str = "") -> Platform:
    """A fresh platform whose database writes its commit order down; raises LocalError."""
    platform = _start(home)
    try:
        commit_order.install(platform.database_url("notifications"))
        if mutant:
            _break(platform, mutant)
    except BaseException:
        platform.stop()
        raise
    return platform


def _start(home: Path) -> Platform:
    start = partial(
        Platform.start, home, external=External(), only=ONLY, settings=_SETTINGS, fresh=True
    )
    for base in PORT_BASES[:-1]:
        with contextlib.suppress(PortTaken):
            return start(base)
    return start(PORT_BASES[-1])


def _break(platform: Platform, mutant: str) -> None:
    """From now on a broken notifications is what the supervisor starts here."""
    for name in GATES:
        script = platform.home / "programs" / f"{name}.sh"
        text = script.read_text(encoding="utf-8")
        broken = text.replace(" services.notifications", " tests.race.broken_notifications")
        if broken == text:
            raise RuntimeError(f"{script.name} does not start notifications as expected")
        script.write_text(broken.replace("exec ", f"export MUTANT={mutant}\nexec ", 1))
        platform.kill(name)
        platform.wait_ready(name)
