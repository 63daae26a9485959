"""Assertions and admissions in PostgreSQL; each method is one round trip."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from services.events.domain.admission import (
    LEASE,
    Application,
    Assertion,
    Claim,
    Progress,
    Standing,
    in_sandbox,
)
from services.events.domain.errors import StoreUnavailable
from services.kit.postgres import PLAN_BY_KEYS

MIGRATIONS: Final = Path(__file__).parent / "migrations"
CONNECTIONS: Final = 10
WAIT_SECONDS: Final = 2.0
_STATEMENT_MS: Final = 3000

_SPEND: Final = """
    INSERT INTO spent_assertions (publisher, jti, expires_at)
    SELECT * FROM unnest(%(publishers)s::text[], %(jtis)s::text[], %(expiries)s::timestamptz[])
    ON CONFLICT DO NOTHING
    RETURNING publisher, jti
"""

# A row whose assertion was spent before is not there. One that was claimed before is returned as it
# stands, changed only when its claim was given up, or its holder is taken for dead. In order of
# their keys, so that two of these never wait for each other.
_APPLY: Final = """
    WITH asking AS (
        SELECT * FROM unnest(
            %(publishers)s::text[], %(sources)s::text[], %(ids)s::text[], %(event_ids)s::text[],
            %(types)s::text[], %(digests)s::bytea[], %(claims)s::text[], %(traceparents)s::text[],
            %(jtis)s::text[], %(expiries)s::timestamptz[]
        ) AS t (
            publisher, source, id, event_id, type, digest, claim, traceparent, jti, expires_at)
    ), spent AS (
        INSERT INTO spent_assertions (publisher, jti, expires_at)
        SELECT publisher, jti, expires_at FROM asking WHERE jti IS NOT NULL
        ON CONFLICT DO NOTHING
        RETURNING publisher, jti
    )
    INSERT INTO admissions AS there (
        publisher, source, id, event_id, type, body_sha256, claim, claimed_at, received_at,
        traceparent
    )
    SELECT publisher, source, id, event_id, type, digest, claim, %(at)s, %(at)s, traceparent
    FROM asking
    WHERE jti IS NULL OR (publisher, jti) IN (SELECT publisher, jti FROM spent)
    ORDER BY publisher, source, id
    ON CONFLICT (publisher, source, id) DO UPDATE SET (claim, claimed_at) = (
        SELECT CASE WHEN free THEN excluded.claim ELSE there.claim END,
               CASE WHEN free THEN excluded.claimed_at ELSE there.claimed_at END
        FROM (SELECT there.state = 'pending' AND there.body_sha256 = excluded.body_sha256
                     AND (there.claimed_at IS NULL OR there.claimed_at <= %(dead_since)s) AS free)
             AS judged
    )
    RETURNING event_id, state, body_sha256, claim, received_at
"""

_SETTLE: Final = """
    UPDATE admissions
    SET state = 'done', records = settled.records, on_the_log_at = %(at)s, claimed_at = NULL
    FROM unnest(
        %(publishers)s::text[], %(sources)s::text[], %(ids)s::text[], %(records)s::integer[]
    ) AS settled (publisher, source, id, records)
    WHERE (admissions.publisher, admissions.source, admissions.id)
        = (settled.publisher, settled.source, settled.id) AND state = 'pending'
"""

_LET_GO: Final = """
    UPDATE admissions SET claimed_at = NULL
    FROM unnest(
        %(publishers)s::text[], %(sources)s::text[], %(ids)s::text[], %(claims)s::text[]
    ) AS given_up (publisher, source, id, claim)
    WHERE (admissions.publisher, admissions.source, admissions.id)
        = (given_up.publisher, given_up.source, given_up.id)
      AND state = 'pending' AND admissions.claim = given_up.claim
"""

_PROGRESS: Final = """
    SELECT event_id, id, source, type, received_at, records,
           (SELECT count(*) FROM decided WHERE decided.event_id = admissions.event_id),
           (SELECT coalesce(jsonb_object_agg(role, outcome), '{}') FROM simulations
            WHERE simulations.event_id = admissions.event_id)
    FROM admissions WHERE event_id = %(event_id)s AND publisher = ANY(%(names)s)
"""

_DECIDED: Final = """
    INSERT INTO decided (event_id, mark)
    SELECT * FROM unnest(%(event_ids)s::text[], %(marks)s::bytea[])
    ON CONFLICT DO NOTHING
"""

_FORGET: Final = "DELETE FROM spent_assertions WHERE expires_at < %(before)s"


def pool_for(database_url: str) -> AsyncConnectionPool:
    """The service's connections, not yet open."""
    return AsyncConnectionPool(
        database_url,
        min_size=2,
        max_size=CONNECTIONS,
        timeout=WAIT_SECONDS,
        open=False,
        kwargs={
            "autocommit": True,
            "connect_timeout": 2,
            "options": f"-c statement_timeout={_STATEMENT_MS} {PLAN_BY_KEYS}",
        },
    )


@asynccontextmanager
async def cursor_of(pool: AsyncConnectionPool) -> AsyncIterator[psycopg.AsyncCursor[TupleRow]]:
    """A cursor on one of the connections; raises StoreUnavailable, also for what it is used for."""
    try:
        async with pool.connection() as connection, connection.cursor() as cursor:
            yield cursor
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout):
        raise StoreUnavailable from None


class PostgresAdmissions:
    """The port's store; raises StoreUnavailable while the database does not answer."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def spend(self, assertions: Sequence[Assertion]) -> list[bool]:
        """Use assertions up, no two of them the same; for each whether it was fresh."""
        fresh = set(await self._all(_SPEND, _spending(assertions)))
        return [(each.publisher, each.jti) in fresh for each in assertions]

    async def apply(self, applications: Sequence[Application]) -> list[Claim]:
        """Use each one's assertion up and claim its event's key, in one step."""
        at = applications[0].at
        values = {
            **_spending([each.assertion for each in applications]),
            **_keys(applications),
            "event_ids": [each.event_id for each in applications],
            "types": [each.type for each in applications],
            "digests": [each.digest for each in applications],
            "claims": [each.claim for each in applications],
            "traceparents": [each.traceparent for each in applications],
            "at": at,
            "dead_since": at - LEASE,
        }
        rows = {row[0]: row[1:] for row in await self._all(_APPLY, values)}
        return [_claim(each, rows.get(each.event_id)) for each in applications]

    async def settle(self, settled: Sequence[tuple[Application, int]], at: datetime) -> None:
        """The log has acknowledged every record of these events, so many of each."""
        keys = _keys([application for application, _ in settled])
        await self._run(_SETTLE, {**keys, "records": [records for _, records in settled], "at": at})

    async def let_go(self, applications: Sequence[Application]) -> None:
        """Give claims up, unless somebody else has them by now."""
        claims = [each.claim for each in applications]
        await self._run(_LET_GO, {**_keys(applications), "claims": claims})

    async def progress(self, publisher: str, event_id: str) -> Progress | None:
        """Where a publisher's own event stands."""
        values = {"names": [publisher, in_sandbox(publisher)], "event_id": event_id}
        row = await self._one(_PROGRESS, values)
        return Progress(*row) if row is not None else None

    async def mark_decided(self, marks: Sequence[tuple[str, bytes]]) -> None:
        """Count each (event id, person's mark) once."""
        values = {
            "event_ids": [event_id for event_id, _ in marks],
            "marks": [mark for _, mark in marks],
        }
        await self._run(_DECIDED, values)

    async def forget_expired(self, before: datetime) -> int:
        """Forget assertions that nobody can use any more; how many."""
        async with cursor_of(self._pool) as cursor:
            await cursor.execute(_FORGET, {"before": before})
            return cursor.rowcount

    async def _one(self, statement: str, values: Mapping[str, Any]) -> TupleRow | None:
        async with cursor_of(self._pool) as cursor:
            await cursor.execute(statement, values)
            return await cursor.fetchone()

    async def _all(self, statement: str, values: Mapping[str, Any]) -> list[TupleRow]:
        async with cursor_of(self._pool) as cursor:
            await cursor.execute(statement, values)
            return await cursor.fetchall()

    async def _run(self, statement: str, values: Mapping[str, Any]) -> None:
        async with cursor_of(self._pool) as cursor:
            await cursor.execute(statement, values)


def _keys(applications: Sequence[Application]) -> dict[str, list[str]]:
    """The keys of admissions, column by column."""
    return {
        "publishers": [each.publisher for each in applications],
        "sources": [each.source for each in applications],
        "ids": [each.id for each in applications],
    }


def _spending(assertions: Sequence[Assertion | None]) -> dict[str, list[Any]]:
    """Assertions, column by column; an application whose assertion is spent already has none."""
    return {
        "publishers": [each and each.publisher for each in assertions],
        "jtis": [each and each.jti for each in assertions],
        "expiries": [each and each.expires_at for each in assertions],
    }


def _claim(application: Application, row: tuple[str, bytes, str, datetime] | None) -> Claim:
    if row is None:
        return Claim(Standing.REPLAYED)
    state, digest, claim, received_at = row
    if bytes(digest) != application.digest:
        return Claim(Standing.OTHER_BODY)
    if state == "done":
        return Claim(Standing.DONE)
    ours = claim == application.claim
    return Claim(Standing.OURS if ours else Standing.IN_PROGRESS, received_at)
