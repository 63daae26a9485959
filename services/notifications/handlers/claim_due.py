"""What is due for a person passes the gate, or does not."""

from collections.abc import Callable
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
    subject: str,
    on: Claiming,
    *,
    now: datetime,
    lease: timedelta,
    guard: Callable[[], None],
) -> Claimed:
    """Claim the person's due inbox rows, and their stream rows if they have a live stream here.

    Rows decided on a newer view than the gate has are tried again on identity's word, once; what
    even that does not settle stays where it is. Raises PermissionsUnavailable and what `guard`
    raises, which is called once more when the locks are held: then it stays too.
    """
    live = on.streams.is_live(subject)
    channels = (Channel.INBOX, Channel.STREAM) if live else (Channel.INBOX,)
    claimed = await on.ledger.claim(subject, channels, now=now, lease=lease, guard=guard)
    if not claimed.read_through:
        return claimed
    await read_through([subject], permissions=on.permissions, gate=on.gate)
    again = await on.ledger.claim(subject, channels, now=now, lease=lease, guard=guard)
    return Claimed(
        rows=claimed.rows + again.rows,
        stopped=claimed.stopped + again.stopped,
        read_through=again.read_through,
        more=again.more,
    )
