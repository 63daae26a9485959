"""The gate and the claim: how many prompts a second pass from the ledger to their channels."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Final

from services.kit.ids import new_random_id
from services.kit.migrations import migrate
from services.notifications.adapters.postgres.decisions import PostgresDecisions
from services.notifications.adapters.postgres.gate import PostgresGate
from services.notifications.adapters.postgres.ledger import PostgresLedger
from services.notifications.adapters.postgres.nudges import PostgresNudges
from services.notifications.adapters.postgres.store import Store
from services.notifications.bootstrap.outside import MIGRATIONS
from services.notifications.domain.ledger import Channel
from services.notifications.entrypoints.dispatcher import AT_ONCE, WORKERS
from tests.native import fresh_database
from tests.performance.bench import Bench
from tests.performance.report import Result
from tests.unit.notifications.builders import (
    a_decision,
    a_nudge_decision,
    a_nudge_document,
    a_set,
    an_arrival,
)

PEOPLE: Final = 2_000
PROMPTS: Final = 4
_ADMITTED_AT_ONCE: Final = 500
_LEASE: Final = timedelta(seconds=30)


async def gate(bench: Bench) -> list[Result]:
    """Claims as the dispatcher makes them, and one person a transaction beside it."""
    platform = await bench.up()
    together: list[float] = []
    apart: list[float] = []
    with fresh_database(platform.admin_url) as url:
        await migrate(url, MIGRATIONS, "notifications")
        store = Store(url)
        await store.open()
        try:
            await PostgresNudges(store).keep([a_nudge_document()])
            for _ in range(bench.runs):
                apart.append(await _claims_a_second(store, 1))
                together.append(await _claims_a_second(store, AT_ONCE))
        finally:
            await store.close()
    what = "prompts through the gate and claimed"
    alone = f"{what}, one person a transaction"
    return [
        Result(alone, "claims/s", apart),
        Result(what, "claims/s", together, baseline=alone, target=1500, at_least=True),
    ]


async def _claims_a_second(store: Store, at_once: int) -> float:
    people = [new_random_id() for _ in range(PEOPLE)]
    await _wait_in_the_ledger(store, people)
    ledger, now = PostgresLedger(store), datetime.now(UTC)
    batches = iter([people[at : at + at_once] for at in range(0, PEOPLE, at_once)])

    async def work() -> int:
        claimed = 0
        for batch in batches:
            channels = dict.fromkeys(batch, tuple(Channel))
            more = True
            while more:
                done = await ledger.claim(channels, now=now, lease=_LEASE)
                claimed, more = claimed + len(done.rows), done.more
        return claimed

    began = time.monotonic()
    claimed = sum(await asyncio.gather(*(work() for _ in range(WORKERS))))
    seconds = time.monotonic() - began
    if claimed != PEOPLE * PROMPTS * len(Channel):
        raise RuntimeError(f"{claimed} rows were claimed")
    return claimed / seconds


async def _wait_in_the_ledger(store: Store, people: list[str]) -> None:
    """Everybody permits, and has prompts that wait for both channels."""
    decisions, now = PostgresDecisions(store), datetime.now(UTC)
    arrivals = [
        an_arrival(a_decision(*(a_nudge_decision() for _ in range(PROMPTS)), subject=person))
        for person in people
    ]
    for at in range(0, len(people), _ADMITTED_AT_ONCE):
        part = slice(at, at + _ADMITTED_AT_ONCE)
        await PostgresGate(store).take([a_set(person) for person in people[part]])
        await decisions.admit(arrivals[part], now)
