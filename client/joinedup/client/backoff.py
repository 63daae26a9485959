"""How long to wait before the next try: doubling, with jitter, never past an end."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_RETRY_AFTER_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays of `first`, twice that, … up to `longest` seconds, each cut by up to a half.

    The jitter keeps a thousand callers, that lost the same server, from coming back at once.
    """

    first: float = 0.1
    longest: float = 5.0
    jitter: Callable[[], float] = random.random

    def delay(self, tries: int) -> float:
        """Seconds to wait after that many failed tries in a row, from 1."""
        # 2**30 is beyond any `longest`; the bound keeps the power from overflowing.
        whole: float = min(self.longest, self.first * 2.0 ** min(tries - 1, 30))
        return whole * (1.0 - 0.5 * self.jitter())


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for; None when it is absent or unreadable.

    `now` is a POSIX time: the header may hold a date. Never more than a minute.
    """
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (_aware(moment) - datetime.fromtimestamp(now, UTC)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
