"""Notifications with one promise broken, by the name in MUTANT: what the race must be able to see.

Only the race's own platform starts this; the service knows nothing of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from types import ModuleType
from typing import Final

from services.kit.postgres import Connection
from services.notifications.__main__ import main
from services.notifications.adapters.postgres import gate as postgres_gate
from services.notifications.adapters.postgres import ledger as postgres_ledger
from services.notifications.adapters.postgres import prompts as postgres_prompts
from services.notifications.adapters.postgres.ledger import PostgresLedger, _Due
from services.notifications.bootstrap import service
from services.notifications.domain import gate
from services.notifications.domain.gate import Ask, Passed, ReadThrough, Stopped, Verdict, judge
from services.notifications.domain.ledger import Channel, Reason
from services.notifications.domain.permission import Permission
from services.notifications.ports import Claimed


class GateThenClaim(PostgresLedger):
    """M3: the gate in one transaction, the claim in the next."""

    async def claim(
        self,
        people: Mapping[str, Collection[Channel]],
        *,
        now: datetime,
        lease: timedelta,
        guard: Callable[[], None] = lambda: None,
    ) -> Claimed:
        """Let what is due through the gate; what it said is written afterwards."""

        async def ask(connection: Connection) -> list[tuple[_Due, Verdict]]:
            views, due = await self._read(connection, people, now)
            guard()
            return [(row, judge(row.ask, views.get(row.subject), now)) for row in due]

        judged = await self._store.run(ask)

        async def write(connection: Connection) -> Claimed:
            return await self._write(connection, judged, now, lease)

        return await self._store.run(write)


def _no_gate() -> None:
    """M1: whatever is asked, it may pass; nor does a no end what waits."""

    def passes(*_: object) -> Passed:
        return Passed()

    def stands(*_: object) -> None:
        return None

    for module in (postgres_ledger, postgres_prompts):
        _replace(module, "judge", passes)
    _replace(postgres_gate, "judge_ended", stands)


def _gate_then_claim() -> None:
    _replace(service, "PostgresLedger", GateThenClaim)


def _at_least() -> None:
    """M13: an epoch that is lower than the one in force counts as its equal."""
    strict = gate._judge_epoch

    def at_least(ask: Ask, permission: Permission | None) -> Stopped | ReadThrough | None:
        verdict = strict(ask, permission)
        return None if verdict == Stopped(Reason.STALE) else verdict

    _replace(gate, "_judge_epoch", at_least)


def _replace(module: ModuleType, name: str, broken: object) -> None:
    if not hasattr(module, name):
        raise AttributeError(f"{module.__name__} has no {name} to break")
    setattr(module, name, broken)


BREAKS: Final[Mapping[str, Callable[[], None]]] = {
    "M1": _no_gate,
    "M3": _gate_then_claim,
    "M13": _at_least,
}

if __name__ == "__main__":
    BREAKS[os.environ["MUTANT"]]()
    main()
