"""The connections to identity's database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from psycopg_pool import AsyncConnectionPool

from services.identity.domain.errors import StoreUnavailable
from services.kit.postgres import AWAY, PLAN_BY_KEYS, Connection

Pool = AsyncConnectionPool[Connection]

CONNECTIONS: Final = 8
WAIT_SECONDS: Final = 3.0

# A statement or a lock that waits longer than its caller does is given up.
_LIMITS: Final = (
    "-c statement_timeout=4000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=15000"
)


def make_pool(database_url: str) -> Pool:
    """A pool, not yet open; its connections commit each statement unless told otherwise."""
    return AsyncConnectionPool(
        database_url,
        connection_class=Connection,
        kwargs={
            "autocommit": True,
            "options": f"{_LIMITS} {PLAN_BY_KEYS}",
            "connect_timeout": 3,
        },
        min_size=2,
        max_size=CONNECTIONS,
        timeout=WAIT_SECONDS,
        open=False,
        name="identity",
    )


@asynccontextmanager
async def connection(pool: Pool) -> AsyncIterator[Connection]:
    """A connection; raises StoreUnavailable in place of everything that is the database's fault."""
    try:
        async with pool.connection() as current:
            yield current
    except AWAY as error:
        # Its text names the statement's values: only its class goes on.
        raise StoreUnavailable(type(error).__name__) from None


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A transaction whose statements travel together until one of them is read."""
    async with connection(pool) as current, current.pipeline(), current.transaction():
        yield current
