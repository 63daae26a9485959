"""The ledger: decisions into it, prompts through it, and its housekeeping."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from services.notifications.domain.access_line import Look
from services.notifications.domain.decision import Arrival
from services.notifications.domain.explanation import Delivery, Kept
from services.notifications.domain.ledger import Channel, Reason, State
from services.notifications.domain.prompt import OnStream, StreamItem


@dataclass(frozen=True, slots=True)
class Admission:
    """What a batch changed: how many decisions were the first, and whose prompts wait or ended.

    `called_off` counts prompts, a channel each, that the batch ended.
    """

    decisions: int
    rows: int
    subjects: tuple[str, ...]
    called_off: int = 0


@dataclass(frozen=True, slots=True)
class ClaimedRow:
    """A row that passed the gate."""

    subject: str
    prompt_id: str
    channel: Channel
    nudge: str
    traceparent: str


@dataclass(frozen=True, slots=True)
class StoppedRow:
    """A row the gate ended."""

    subject: str
    prompt_id: str
    channel: Channel
    nudge: str
    traceparent: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one claim did.

    `read_through` names those of whom rows wait for a newer view, `more` is whether it came to its
    limit and a further claim would get further.
    """

    rows: tuple[ClaimedRow, ...] = ()
    stopped: tuple[StoppedRow, ...] = ()
    read_through: tuple[str, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class LookedUp:
    """An event's decisions in a stable order, where their prompts stand, and its statements.

    The statements are the events decided so far that speak of its entry, as they were decided.
    """

    kept: Sequence[Kept]
    deliveries: Sequence[Delivery]
    statements: Sequence[str]


class Ledger(Protocol):
    """Prompts on their way, one row a channel: the queue and the scheduler."""

    async def claim(
        self,
        people: Mapping[str, Collection[Channel]],
        *,
        now: datetime,
        lease: timedelta,
        guard: Callable[[], None],
    ) -> Claimed:
        """Let what is due for them on these channels through the gate, in one transaction.

        `guard` is called when the locks are held; what it raises leaves everything as it was.
        """

    async def on_stream(
        self, subject: str, after: int, *, now: datetime, limit: int
    ) -> list[OnStream]:
        """What stands on a person's stream after a position, in order."""

    async def mark_sent(self, items: Sequence[StreamItem], now: datetime) -> int:
        """Their writes have completed; a row that has gone on meanwhile stays what it is."""

    async def due_inboxes(self, now: datetime, limit: int) -> list[str]:
        """People with inbox rows that wait."""

    async def due_streams(self, reached: Mapping[str, int], now: datetime) -> list[str]:
        """Of these people, those with stream rows that wait or lie ahead of the position."""


class Sweep(Protocol):
    """The ledger's own housekeeping; several processes may do it at once."""

    async def release_lapsed(self, limit: int) -> list[str]:
        """Give back what was claimed and not sent within its lease; whose rows those were."""

    async def expire(self, now: datetime, limit: int) -> int:
        """End what is no longer worth showing."""

    async def forget_recalls(self, before: datetime, limit: int) -> int:
        """Forget what was taken back so long ago that no device can still show it."""

    async def unfinished(self) -> Mapping[tuple[Channel, State], int]:
        """How many rows wait or are on their way, by channel and state."""


class Decisions(Protocol):
    """Every decision that was kept."""

    async def admit(self, arrivals: Sequence[Arrival], now: datetime) -> Admission:
        """Keep each decision unless one of its (event, person) is kept, and write its rows."""

    async def look_up(self, an_id: str, subject: str | None, look: Look) -> LookedUp | None:
        """What is known of an event, by its id or by that of a prompt it led to.

        Only one person's part of it if one is given. One transaction, with the lines of everybody
        whose decision is looked at; None where there is none.
        """


class NudgeVersions(Protocol):
    """Every version of a nudge that was ever loaded."""

    async def keep(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Keep the versions that are new; the first text of a version stays."""
