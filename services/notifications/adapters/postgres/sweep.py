"""The ledger's housekeeping: what lapsed, what is over, how much is on its way."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from psycopg import sql

from services.notifications.adapters.postgres.store import Store
from services.notifications.domain.ledger import UNFINISHED, Channel, State

# Written out: a plan that is made once uses an index of these states only where it reads them.
_UNFINISHED: Final = sql.SQL(", ").join(sql.Literal(state.value) for state in UNFINISHED)
# A lease is written and compared on the server's clock, so that no process's clock matters.
_RELEASE: Final = sql.SQL("""
    WITH k AS (
        SELECT prompt_id, channel FROM ledger
        WHERE state = 'claimed' AND lease_expires <= clock_timestamp()
        ORDER BY lease_expires LIMIT %s FOR UPDATE SKIP LOCKED
    )
    UPDATE ledger l SET state = 'new', fence = l.fence + 1, lease_expires = NULL
    FROM k WHERE l.prompt_id = k.prompt_id AND l.channel = k.channel RETURNING l.subject
""")
_EXPIRE: Final = sql.SQL("""
    WITH k AS (
        SELECT prompt_id, channel FROM ledger WHERE state IN ({states}) AND expires_at <= %s
        ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED
    )
    UPDATE ledger l
    SET state = 'expired', reason = 'expired', ended_at = %s, lease_expires = NULL
    FROM k WHERE l.prompt_id = k.prompt_id AND l.channel = k.channel RETURNING l.prompt_id
""").format(states=_UNFINISHED)
_FORGET: Final = sql.SQL("""
    DELETE FROM recalls WHERE (subject, position) IN (
        SELECT subject, position FROM recalls WHERE recalled_at < %s
        ORDER BY recalled_at LIMIT %s FOR UPDATE SKIP LOCKED)
    RETURNING position
""")
_COUNT: Final = sql.SQL(
    "SELECT channel, state, count(*) FROM ledger WHERE state IN ({states}) GROUP BY 1, 2"
).format(states=_UNFINISHED)


class PostgresSweep:
    """The port Sweep. Rows that somebody else holds are left for the next time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def release_lapsed(self, limit: int) -> list[str]:
        """Give back what was claimed and not sent within its lease; whose rows those were."""
        return list(dict.fromkeys(row[0] for row in await self._store.one(_RELEASE, (limit,))))

    async def expire(self, now: datetime, limit: int) -> int:
        """End what is no longer worth showing."""
        return len(await self._store.one(_EXPIRE, (now, limit, now)))

    async def forget_recalls(self, before: datetime, limit: int) -> int:
        """Forget what was taken back so long ago that no device can still show it."""
        return len(await self._store.one(_FORGET, (before, limit)))

    async def unfinished(self) -> Mapping[tuple[Channel, State], int]:
        """How many rows wait or are on their way, by channel and state."""
        return {
            (Channel(channel), State(state)): number
            for channel, state, number in await self._store.one(_COUNT, ())
        }
