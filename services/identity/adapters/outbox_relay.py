"""The outbox's way to the log: in order for each person, deleted once the broker has it."""

import asyncio
from datetime import datetime
from typing import Final, NamedTuple

from services.identity import metrics
from services.identity.adapters.postgres_pool import Pool, transaction
from services.identity.domain.errors import StoreUnavailable
from services.identity.wire.permissions import PERMISSION_SET_TYPE, PERMISSIONS, permission_set_from
from services.kit.codec import Headers, encode
from services.kit.log_producer import LogProducer, LogUnavailable
from services.kit.retry import back_off
from services.kit.telemetry import TRACEPARENT, log

SOURCE: Final = "urn:joinedup:identity"
AT_ONCE: Final = 200
POLL_SECONDS: Final = 1.0

# Only the oldest row of each person: while another process holds it, nobody takes a later one.
_TAKE: Final = """
    SELECT position, id, handle, value, traceparent, created_at FROM outbox o
    WHERE NOT EXISTS (
        SELECT FROM outbox e WHERE e.handle = o.handle AND e.position < o.position)
    ORDER BY position LIMIT %s FOR UPDATE SKIP LOCKED
"""


class _Row(NamedTuple):
    position: int
    id: str
    handle: str
    value: bytes
    traceparent: str
    created_at: datetime


class OutboxRelay:
    """Tells the log what was committed; after a failure it tells it again, which is harmless."""

    def __init__(self, pool: Pool, producer: LogProducer, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._pool = pool
        self._producer = producer
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is something to tell."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until stopped: at once when woken, and each second whatever others left."""
        delays = back_off()
        while not stop.is_set():
            self._woken.clear()
            try:
                told = await self.relay_once()
            except (LogUnavailable, StoreUnavailable) as away:
                delay = next(delays)
                extra = {"reason": type(away).__name__, "retry_in_seconds": delay}
                log(__name__).warning("outbox waits", extra=extra)
                await self._rest(stop, delay)
                continue
            delays = back_off()
            if not told:
                await self._rest(stop, POLL_SECONDS, wake=True)

    async def relay_once(self) -> int:
        """Tell a bounded number of rows; raises LogUnavailable and StoreUnavailable."""
        async with transaction(self._pool) as current:
            rows = await (await current.execute(_TAKE, [self._at_once])).fetchall()
            if not rows:
                return 0
            await asyncio.gather(*(self._tell(_Row(*row)) for row in rows))
            positions = [row[0] for row in rows]
            await current.execute("DELETE FROM outbox WHERE position = ANY(%s)", [positions])
        metrics.outbox_relayed(len(rows))
        return len(rows)

    async def _tell(self, row: _Row) -> None:
        encoded = encode(
            permission_set_from(row.value),
            id=row.id,
            type=PERMISSION_SET_TYPE,
            source=SOURCE,
            time=row.created_at,
        )
        trace: Headers = [(TRACEPARENT, row.traceparent.encode())] if row.traceparent else []
        headers = [*encoded.headers, *trace]
        await self._producer.send(PERMISSIONS, row.handle.encode(), encoded.value, headers)

    async def _rest(self, stop: asyncio.Event, seconds: float, *, wake: bool = False) -> None:
        waits = [asyncio.create_task(stop.wait())]
        if wake:
            waits.append(asyncio.create_task(self._woken.wait()))
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()
