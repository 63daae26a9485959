"""Where the truth of identity lives: PostgreSQL."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from services.identity.adapters.postgres_access import PostgresAccessRows
from services.identity.adapters.postgres_events import PostgresEvents
from services.identity.adapters.postgres_permissions import PostgresPermissions
from services.identity.adapters.postgres_pool import Pool, connection, transaction
from services.identity.adapters.postgres_subjects import Locks, PostgresSubjects
from services.identity.ports import NewId, Transaction
from services.kit.postgres import Connection

_TOOK_EFFECT: Final = """
    SELECT took_effect_at FROM permissions
    WHERE handle = %s AND purpose = %s AND controller = %s AND ended
"""
_DUE: Final = """
    SELECT handle FROM permissions
    WHERE choice = 'given' AND NOT ended AND expires_at <= %s
    GROUP BY handle ORDER BY min(expires_at) LIMIT %s
"""
_DOUBTFUL: Final = """
    SELECT event_id FROM doubtful_losses d
    WHERE NOT EXISTS (SELECT FROM void_events v WHERE v.event_id = d.event_id)
    ORDER BY noticed_at, event_id
"""
_SIGN_IN: Final = """
    SELECT s.handle, s.language FROM sign_ins i JOIN subjects s USING (handle)
    WHERE i.issuer = %s AND i.sub = %s
"""


class PostgresTransaction:
    """The port Transaction on one connection."""

    def __init__(self, current: Connection, new_id: NewId) -> None:
        locks = Locks(current)
        self.subjects = PostgresSubjects(current, locks)
        self.events = PostgresEvents(current, locks)
        self.permissions = PostgresPermissions(current, new_id)
        self.access = PostgresAccessRows(current)


class PostgresStore:
    """The port Store. `on_saved` is called after each commit that left something for the log."""

    def __init__(self, pool: Pool, new_id: NewId, on_saved: Callable[[], None]) -> None:
        self._pool = pool
        self._new_id = new_id
        self._on_saved = on_saved

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """One transaction on a connection of its own."""
        async with transaction(self._pool) as current:
            tx = PostgresTransaction(current, self._new_id)
            yield tx
        if tx.permissions.saved:
            self._on_saved()

    async def took_effect_at(self, handle: str, purpose: str, controller: str) -> datetime | None:
        """None while the end does not hold everywhere, and where nothing ended."""
        async with connection(self._pool) as current:
            cursor = await current.execute(_TOOK_EFFECT, [handle, purpose, controller])
            row = await cursor.fetchone()
        return row[0] if row else None

    async def due(self, now: datetime, limit: int) -> list[str]:
        """Longest due first."""
        async with connection(self._pool) as current:
            rows = await (await current.execute(_DUE, [now, limit])).fetchall()
        return [row[0] for row in rows]

    async def doubtful_losses(self) -> list[str]:
        """Longest in doubt first."""
        async with connection(self._pool) as current:
            rows = await (await current.execute(_DOUBTFUL)).fetchall()
        return [row[0] for row in rows]

    async def sign_in(self, issuer: str, sub: str) -> tuple[str, str] | None:
        """Handle and language."""
        async with connection(self._pool) as current:
            row = await (await current.execute(_SIGN_IN, [issuer, sub])).fetchone()
        return (row[0], row[1]) if row else None
