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
)
from services.events.domain.errors import NotAuthenticated, StoreUnavailable

MIGRATIONS: Final = Path(__file__).parent / "migrations"
CONNECTIONS: Final = 10
WAIT_SECONDS: Final = 2.0
_STATEMENT_MS: Final = 3000

_SPEND: Final = """
    INSERT INTO spent_assertions (publisher, jti, expires_at)
    VALUES (%(publisher)s, %(jti)s, %(expires_at)s)
    ON CONFLICT DO NOTHING
    RETURNING true
"""

# A spent assertion claims nothing and returns no row. A row that is there already is returned as
# it stands, changed only when its claim was given up, or its holder is taken for dead.
_APPLY: Final = f"""
    WITH spent AS ({_SPEND})
    INSERT INTO admissions AS there (
        publisher, source, id, event_id, type, body_sha256, claim, claimed_at, received_at,
        traceparent
    )
    SELECT %(publisher)s, %(source)s, %(id)s, %(event_id)s, %(type)s, %(digest)s, %(jti)s,
           %(at)s, %(at)s, %(traceparent)s
    FROM spent
    ON CONFLICT (publisher, source, id) DO UPDATE SET (claim, claimed_at) = (
        SELECT CASE WHEN free THEN excluded.claim ELSE there.claim END,
               CASE WHEN free THEN excluded.claimed_at ELSE there.claimed_at END
        FROM (SELECT there.state = 'pending' AND there.body_sha256 = excluded.body_sha256
                     AND (there.claimed_at IS NULL OR there.claimed_at <= %(dead_since)s) AS free)
             AS judged
    )
    RETURNING state, body_sha256 = %(digest)s, claim = %(jti)s, received_at
"""  # noqa: S608  # both parts stand above

_SETTLE: Final = """
    UPDATE admissions
    SET state = 'done', records = %(records)s, on_the_log_at = %(at)s, claimed_at = NULL
    WHERE (publisher, source, id) = (%(publisher)s, %(source)s, %(id)s) AND state = 'pending'
"""

_LET_GO: Final = """
    UPDATE admissions SET claimed_at = NULL
    WHERE (publisher, source, id) = (%(publisher)s, %(source)s, %(id)s)
      AND state = 'pending' AND claim = %(jti)s
"""

_PROGRESS: Final = """
    SELECT event_id, id, source, type, received_at, records,
           (SELECT count(*) FROM decided WHERE decided.event_id = admissions.event_id)
    FROM admissions WHERE event_id = %(event_id)s AND publisher = %(publisher)s
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
            "options": f"-c statement_timeout={_STATEMENT_MS}",
        },
    )


class PostgresAdmissions:
    """The port's store; raises StoreUnavailable while the database does not answer."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def spend(self, assertion: Assertion) -> None:
        """Use an assertion up; raises NotAuthenticated when it was used before."""
        if await self._one(_SPEND, vars(assertion)) is None:
            raise NotAuthenticated("assertion_replayed")

    async def apply(self, assertion: Assertion, application: Application) -> Claim:
        """Use the assertion up and claim the event's key; raises NotAuthenticated."""
        values = {
            **vars(assertion),
            **vars(application),
            "dead_since": application.at - LEASE,
        }
        row = await self._one(_APPLY, values)
        if row is None:
            raise NotAuthenticated("assertion_replayed")
        state, same_body, ours, received_at = row
        return Claim(_standing(state, same_body=same_body, ours=ours), received_at)

    async def settle(self, application: Application, records: int, at: datetime) -> None:
        """The log has acknowledged every record of the event."""
        await self._run(_SETTLE, {**vars(application), "records": records, "at": at})

    async def let_go(self, assertion: Assertion, application: Application) -> None:
        """Give a claim up, unless somebody else has it by now."""
        await self._run(_LET_GO, {**vars(application), "jti": assertion.jti})

    async def progress(self, publisher: str, event_id: str) -> Progress | None:
        """Where a publisher's own event stands."""
        row = await self._one(_PROGRESS, {"publisher": publisher, "event_id": event_id})
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
        async with self._cursor() as cursor:
            await cursor.execute(_FORGET, {"before": before})
            return cursor.rowcount

    async def _one(self, statement: str, values: Mapping[str, Any]) -> TupleRow | None:
        async with self._cursor() as cursor:
            await cursor.execute(statement, values)
            return await cursor.fetchone()

    async def _run(self, statement: str, values: Mapping[str, Any]) -> None:
        async with self._cursor() as cursor:
            await cursor.execute(statement, values)

    @asynccontextmanager
    async def _cursor(self) -> AsyncIterator[psycopg.AsyncCursor[TupleRow]]:
        try:
            async with self._pool.connection() as connection, connection.cursor() as cursor:
                yield cursor
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout):
            raise StoreUnavailable from None


def _standing(state: str, *, same_body: bool, ours: bool) -> Standing:
    if not same_body:
        return Standing.OTHER_BODY
    if state == "done":
        return Standing.DONE
    return Standing.OURS if ours else Standing.IN_PROGRESS
