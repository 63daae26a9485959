"""What is due for people passes the gate, or does not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notifications.domain.ledger import Channel
from services.notifications.handlers.confirm_permissions import read_through
from services.notifications.ports import Claimed, Gate, Ledger, Permissions, Streams


@dataclass(frozen=True, slots=True)
class Claiming:
    """What claiming stands on."""

    ledger: Ledger
    gate: Gate
    permissions: Permissions
    streams: Streams


async def claim_due(
    subjects: Sequence[str],
    on: Claiming,
    *,
    now: datetime,
    lease: timedelta,
    guard: Callable[[], None],
) -> Claimed:
    """Claim their due inbox rows, and the stream rows of those who have a live stream here.

    Rows decided on a newer view than the gate has are tried again on identity's word, once; what
    even that does not settle stays where it is. Raises PermissionsUnavailable and what `guard`
    raises, which is called once more when the locks are held: then it stays too.
    """

    async def claim(people: Sequence[str]) -> Claimed:
        channels = {each: _channels(each, on.streams) for each in people}
        return await on.ledger.claim(channels, now=now, lease=lease, guard=guard)

    claimed = await claim(subjects)
    if not claimed.read_through:
        return claimed
    await read_through(list(claimed.read_through), permissions=on.permissions, gate=on.gate)
    again = await claim(claimed.read_through)
    return Claimed(
        rows=claimed.rows + again.rows,
        stopped=claimed.stopped + again.stopped,
        read_through=again.read_through,
        more=claimed.more or again.more,
    )


def _channels(subject: str, streams: Streams) -> tuple[Channel, ...]:
    return (Channel.INBOX, Channel.STREAM) if streams.is_live(subject) else (Channel.INBOX,)
