"""How long a person stays signed in, and what is remembered of them meanwhile."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

IDLE_LIMIT: Final = timedelta(minutes=15)
AGE_LIMIT: Final = timedelta(hours=8)
# A token that ends while a call is on its way would be refused half-way through.
TOKEN_MARGIN: Final = timedelta(seconds=10)


class Happened(StrEnum):
    """What a person's last choice came to."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"
    TAKING_EFFECT = "taking_effect"


@dataclass(frozen=True)
class Notice:
    """The outcome of a choice, to be shown on the next page.

    `at` is when a no took effect everywhere; None while it is taking effect.
    """

    happened: Happened
    purpose: str
    controller: str
    at: datetime | None = None

    @property
    def settled(self) -> bool:
        """Whether there is nothing left to wait for."""
        return self.happened is not Happened.TAKING_EFFECT


@dataclass(frozen=True)
class Session:
    """A signed-in browser. `account` is a keyed digest of the provider's name for the person."""

    account: str = field(repr=False)
    person_token: str = field(repr=False)
    token_expires_at: datetime
    started_at: datetime
    seen_at: datetime
    notice: Notice | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether the person was away too long, or signed in too long ago."""
        return now >= self.seen_at + IDLE_LIMIT or now >= self.started_at + AGE_LIMIT

    def has_token(self, now: datetime) -> bool:
        """Whether calls can be made on the person's behalf."""
        return now + TOKEN_MARGIN < self.token_expires_at

    def seen(self, now: datetime) -> "Session":
        """The session of a person who is here now."""
        return replace(self, seen_at=max(self.seen_at, now))

    def lives_for(self, now: datetime) -> timedelta:
        """How long the session may be kept without the person coming back."""
        return min(self.seen_at + IDLE_LIMIT, self.started_at + AGE_LIMIT) - now

    def noting(self, notice: Notice | None) -> "Session":
        """The session with that to show next, or with nothing."""
        return replace(self, notice=notice)


def start_of(current: Session | None, now: datetime) -> datetime:
    """When the session began that signing in now continues.

    Fetching a new token does not lengthen the eight hours after which one signs in afresh.
    """
    return now if current is None or current.is_over(now) else current.started_at
