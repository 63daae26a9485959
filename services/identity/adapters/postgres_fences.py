"""Fences that are asked for and leases of enforcement points, in PostgreSQL."""

from datetime import datetime, timedelta
from typing import Final

from services.identity.adapters.postgres_permissions import read_sets
from services.identity.adapters.postgres_pool import Pool, connection, transaction
from services.identity.ports import EnforcementPoint, FenceGoal

# clock_timestamp, never a process's clock: every lease is measured by the one clock that also
# compares it.
_REGISTER: Final = """
    INSERT INTO enforcement_points (instance, address, lease_until)
    VALUES (%s, %s, clock_timestamp() + %s)
    ON CONFLICT (instance) DO UPDATE
        SET address = excluded.address, lease_until = excluded.lease_until
"""
_RENEW: Final = """
    UPDATE enforcement_points SET lease_until = clock_timestamp() + %s
    WHERE instance = %s AND lease_until > clock_timestamp()
"""
_LIVE: Final = """
    SELECT instance, address FROM enforcement_points WHERE lease_until > clock_timestamp()
"""
_FORGET_LONG_GONE: Final = """
    DELETE FROM enforcement_points WHERE lease_until < clock_timestamp() - interval '1 hour'
"""
_TOOK_EFFECT: Final = """
    UPDATE permissions SET took_effect_at = %s
    WHERE handle = %s AND ended AND took_effect_at IS NULL AND ended_serial <= %s
"""
_NOTE_IN_HISTORY: Final = """
    UPDATE permission_history SET took_effect_at = %s
    WHERE handle = %s AND ends AND took_effect_at IS NULL AND serial <= %s
"""


class PostgresFences:
    """The port FenceBook."""

    def __init__(self, pool: Pool, lease: timedelta) -> None:
        self._pool = pool
        self._lease = lease

    async def pending(self, handle: str) -> FenceGoal | None:
        """The fence first and the set second: the set is at least as new as the fence."""
        async with connection(self._pool) as current:
            cursor = await current.execute("SELECT serial FROM fences WHERE handle = %s", [handle])
            row = await cursor.fetchone()
            if row is None:
                return None
            return FenceGoal(row[0], (await read_sets(current, [handle]))[handle])

    async def pending_handles(self, limit: int) -> list[str]:
        """Longest asked for first."""
        async with connection(self._pool) as current:
            cursor = await current.execute(
                "SELECT handle FROM fences ORDER BY requested_at LIMIT %s", [limit]
            )
            return [row[0] for row in await cursor.fetchall()]

    async def live_points(self) -> list[EnforcementPoint]:
        """Those whose lease has not run out at this moment."""
        async with connection(self._pool) as current:
            cursor = await current.execute(_LIVE)
            return [EnforcementPoint(*row) for row in await cursor.fetchall()]

    async def complete(self, handle: str, serial: int, at: datetime) -> None:
        """Note when it held; a newer fence of the same person stays asked for."""
        async with transaction(self._pool) as current:
            await current.execute(_TOOK_EFFECT, [at, handle, serial])
            await current.execute(_NOTE_IN_HISTORY, [at, handle, serial])
            await current.execute(
                "DELETE FROM fences WHERE handle = %s AND serial <= %s", [handle, serial]
            )

    async def register(self, point: EnforcementPoint) -> None:
        """The lease is committed before the process hears of it."""
        async with connection(self._pool) as current:
            await current.execute(_REGISTER, [point.instance, point.address, self._lease])
            await current.execute(_FORGET_LONG_GONE)

    async def renew(self, instance: str) -> bool:
        """Only a live lease can be prolonged."""
        async with connection(self._pool) as current:
            return (await current.execute(_RENEW, [self._lease, instance])).rowcount == 1
