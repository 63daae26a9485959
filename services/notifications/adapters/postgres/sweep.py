"""The ledger's housekeeping: what lapsed, what is over, how much is on its way."""

from collections.abc import Mapping
from datetime import datetime

from services.notifications.adapters.postgres.store import Connection, Store
from services.notifications.domain.ledger import UNFINISHED, Channel, State

_UNFINISHED = [state.value for state in UNFINISHED]


class PostgresSweep:
    """The port Sweep. Rows that somebody else holds are left for the next time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def release_lapsed(self, limit: int) -> list[str]:
        """Give back what was claimed and not sent within its lease; whose rows those were.

        A lease is written and compared on the server's clock, so that no process's clock matters.
        """

        async def work(connection: Connection) -> list[str]:
            cursor = await connection.execute(
                "WITH k AS (SELECT prompt_id, channel FROM ledger"
                " WHERE state = 'claimed' AND lease_expires <= clock_timestamp()"
                " ORDER BY lease_expires LIMIT %s FOR UPDATE SKIP LOCKED)"
                " UPDATE ledger l SET state = 'new', fence = l.fence + 1, lease_expires = NULL"
                " FROM k WHERE l.prompt_id = k.prompt_id AND l.channel = k.channel"
                " RETURNING l.subject",
                (limit,),
            )
            return list(dict.fromkeys(row[0] for row in await cursor.fetchall()))

        return await self._store.run(work)

    async def expire(self, now: datetime, limit: int) -> int:
        """End what is no longer worth showing."""

        async def work(connection: Connection) -> int:
            cursor = await connection.execute(
                "WITH k AS (SELECT prompt_id, channel FROM ledger"
                " WHERE state = ANY(%s) AND expires_at <= %s"
                " ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED)"
                " UPDATE ledger l SET state = 'expired', reason = 'expired', ended_at = %s,"
                " lease_expires = NULL"
                " FROM k WHERE l.prompt_id = k.prompt_id AND l.channel = k.channel",
                (_UNFINISHED, now, limit, now),
            )
            return cursor.rowcount

        return await self._store.run(work)

    async def unfinished(self) -> Mapping[tuple[Channel, State], int]:
        """How many rows wait or are on their way, by channel and state."""

        async def work(connection: Connection) -> Mapping[tuple[Channel, State], int]:
            cursor = await connection.execute(
                "SELECT channel, state, count(*) FROM ledger WHERE state = ANY(%s) GROUP BY 1, 2",
                (_UNFINISHED,),
            )
            return {
                (Channel(channel), State(state)): number
                for channel, state, number in await cursor.fetchall()
            }

        return await self._store.run(work)
