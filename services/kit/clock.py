"""The one place where time enters a process."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

PRODUCTION = "production"


class ClockShiftRefused(Exception):
    """A shifted clock was asked for in production, where time is never pretended."""


class Clock(Protocol):
    """What a process asks for the time."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never run backwards, for measuring lengths of time."""


class SystemClock:
    """The machine's clock, moved by a fixed offset."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self._offset = offset

    def now(self) -> datetime:
        """The current instant plus the offset."""
        return datetime.now(UTC) + self._offset

    def monotonic(self) -> float:
        """The machine's monotonic seconds; an offset does not touch them."""
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is told to move; both its times move together."""

    def __init__(self, start: datetime) -> None:
        self._now = _aware(start)
        self._monotonic = 0.0

    def now(self) -> datetime:
        """The instant it was last moved to."""
        return self._now

    def monotonic(self) -> float:
        """Seconds it was moved forwards since it was made."""
        return self._monotonic

    def advance(self, by: timedelta) -> None:
        """Move forwards; a negative length raises ValueError."""
        if by < timedelta():
            raise ValueError("a clock only advances forwards; use set to pretend another day")
        self._now += by
        self._monotonic += by.total_seconds()

    def set(self, to: datetime) -> None:
        """Pretend another instant, earlier or later; monotonic seconds stay."""
        self._now = _aware(to)


def make_clock(offset_seconds: float, environment: str) -> Clock:
    """The process's clock; raises ClockShiftRefused for an offset in production."""
    if offset_seconds and environment == PRODUCTION:
        raise ClockShiftRefused("the clock may not be shifted in production")
    return SystemClock(timedelta(seconds=offset_seconds))


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone is not an instant")
    return moment.astimezone(UTC)
