"""What stands on a person's stream reaches their devices here."""

from datetime import datetime

from services.notifications.domain.prompt import OnStream
from services.notifications.ports import Ledger, Streams


async def feed_streams(subject: str, ledger: Ledger, streams: Streams, *, now: datetime) -> None:
    """Queue on each of the person's live streams what lies beyond its position."""

    async def read(after: int, limit: int) -> list[OnStream]:
        return await ledger.on_stream(subject, after, now=now, limit=limit)

    await streams.feed(subject, read)
