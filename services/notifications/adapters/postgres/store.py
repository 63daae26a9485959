"""Connections to this service's database, and transactions that say when it is away."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from psycopg import conninfo, sql
from psycopg_pool import AsyncConnectionPool

from services.kit.postgres import AWAY, PLAN_BY_KEYS, Connection
from services.kit.telemetry import log
from services.notifications.domain.errors import StoreUnavailable

T = TypeVar("T")
Row = tuple[Any, ...]
Pool = AsyncConnectionPool[Connection]

ACQUIRE_SECONDS: Final = 1.0
# A process that freezes inside a transaction must not hold a person's gate row for longer than a
# fence may wait: the server ends its session.
_LIMITS: Final = {
    "statement_timeout": "5s",
    "lock_timeout": "1500ms",
    "idle_in_transaction_session_timeout": "1500ms",
}


class Store:
    """A pool of connections; one unit of work is one transaction."""

    def __init__(self, dsn: str, *, connections: int = 8) -> None:
        limits = (f"-c {name}={value}" for name, value in _LIMITS.items())
        self._pool: Pool = AsyncConnectionPool(
            conninfo.make_conninfo(
                dsn,
                options=" ".join((*limits, PLAN_BY_KEYS)),
                connect_timeout=2,
                tcp_user_timeout=5_000,
                application_name="notifications",
            ),
            min_size=2,
            max_size=connections,
            timeout=ACQUIRE_SECONDS,
            reconnect_timeout=5,
            connection_class=Connection,
            kwargs={"autocommit": True},
            open=False,
        )

    async def open(self) -> None:
        """Start to connect; a server that is away is waited for by each unit of work alone."""
        await self._pool.open()

    async def close(self) -> None:
        """Give the connections back."""
        await self._pool.close()

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do the work in one transaction; raises StoreUnavailable.

        Statements go out without waiting for each other's answers; fetching an answer sends what
        is waiting. So a count of rows is not known before something was fetched.

        A connection that turns out to be dead (the server was restarted) is replaced, with all
        others that are, and the work done again, once: every unit of work may be repeated after a
        commit that nobody heard of.
        """

        async def transaction(connection: Connection) -> T:
            async with connection.pipeline(), connection.transaction():
                return await work(connection)

        return await self._run(transaction)

    async def one(self, statement: sql.SQL | sql.Composed, given: Sequence[Any]) -> list[Row]:
        """The rows that one statement answers, a transaction by itself; raises StoreUnavailable."""

        async def ask(connection: Connection) -> list[Row]:
            cursor = await connection.execute(statement, given)
            return await cursor.fetchall()

        return await self._run(ask)

    async def _run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            return await self._once(work)
        except _ConnectionLost:
            await self._pool.check()
        try:
            return await self._once(work)
        except _ConnectionLost as lost:
            raise _unavailable("connection lost") from lost

    async def _once(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            async with self._pool.connection() as connection:
                try:
                    return await work(connection)
                except AWAY as error:
                    if connection.closed or connection.broken:
                        raise _ConnectionLost from error
                    raise
        except AWAY as error:
            raise _unavailable(type(error).__name__) from error


def _unavailable(cause: str) -> StoreUnavailable:
    """Callers answer the same whatever it was; operators see which of the limits was hit."""
    log(__name__).warning("store unavailable", extra={"code": cause})
    return StoreUnavailable(cause)


class _ConnectionLost(Exception):
    """The connection was dead before or while it was used."""
