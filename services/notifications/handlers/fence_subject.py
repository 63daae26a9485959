"""A person's choices have changed: nothing may act on the older ones any more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.notifications.domain.errors import FenceIncomplete
from services.notifications.domain.gate import Ask, Passed, judge
from services.notifications.domain.permission import PermissionSet
from services.notifications.ports import Gate, Streams, Taken


@dataclass(frozen=True, slots=True)
class Fenced:
    """What the fence did in this process; `serial` is the one in force."""

    serial: int
    purged: int
    ended: int


async def fence_subject(
    new: PermissionSet, gate: Gate, streams: Streams, *, now: datetime, settle_seconds: float
) -> Fenced:
    """Make sure that nothing here acts on a set older than this one.

    First the set is taken under the person's row lock: every claim and opening has committed
    before, or sees it. Then frames that were queued before go, and what is being written at this
    moment ends. Raises FenceIncomplete when that takes too long, and StoreUnavailable; the same
    set may be fenced again.
    """
    taken = await gate.take([new])
    purged = streams.purge(new.subject, lambda ask: _may_stay(ask, new, now))
    if not await streams.settle(new.subject, settle_seconds):
        raise FenceIncomplete
    return Fenced(
        serial=taken[0].serial if taken else await gate.serial(new.subject),
        purged=purged,
        ended=sum(each.ended for each in taken),
    )


async def take_permissions(
    sets: Sequence[PermissionSet], gate: Gate, streams: Streams, *, now: datetime
) -> list[Taken]:
    """Take sets as they come off the log, where every change comes along, fenced before or not."""
    if not sets:
        return []
    taken = await gate.take(sets)
    for new in sorted(sets, key=lambda each: each.serial):
        streams.purge(new.subject, lambda ask: _may_stay(ask, new, now))  # noqa: B023  # called at once
    return taken


def _may_stay(ask: Ask, new: PermissionSet, now: datetime) -> bool:
    """Whether a queued frame may still go out.

    One that was decided on a newer set than this has passed the gate with that one.
    """
    return new.serial < ask.permission_serial or isinstance(judge(ask, new, now), Passed)
