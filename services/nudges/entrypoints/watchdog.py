"""When a worker that seems alive is not: behind without moving, or without a place in the group."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

STALLED_SECONDS: Final = 30.0
UNASSIGNED_SECONDS: Final = 20.0


class Verdict(StrEnum):
    """Why the process must end."""

    STALLED = "stalled"
    UNASSIGNED = "unassigned"


@dataclass(slots=True)
class Watchdog:
    """Looked at every second or so with a monotonic clock; says when it is time to end.

    Stalled is: records wait (`lag`), and none was finished (`finished`, a number that only has to
    change) for 30 seconds. A lag that nobody can tell, because the broker does not answer, starts
    the count anew: ending would not bring the broker back. Unassigned is: no place in the group
    for 20 seconds, which is two session timeouts. A place without partitions is a place.
    """

    started: float
    stalled_seconds: float = STALLED_SECONDS
    unassigned_seconds: float = UNASSIGNED_SECONDS
    _finished: int = field(default=-1, init=False)
    _moved_at: float = field(init=False)
    _member_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._moved_at = self._member_at = self.started

    def look(self, now: float, *, member: bool, lag: int | None, finished: int) -> Verdict | None:
        """The verdict at this moment, None while all is well."""
        if member or lag is None:
            self._member_at = now
        if finished != self._finished or not lag:
            self._finished = finished
            self._moved_at = now
        if now - self._member_at >= self.unassigned_seconds:
            return Verdict.UNASSIGNED
        return Verdict.STALLED if now - self._moved_at >= self.stalled_seconds else None
