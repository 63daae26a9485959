"""What the rules of delivery need from outside. Every time is aware; every call may be repeated.

All methods that touch the store raise StoreUnavailable when it does not answer in time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from services.notifications.domain.decision import Arrival
from services.notifications.domain.explanation import Delivery, Kept
from services.notifications.domain.gate import Ask
from services.notifications.domain.ledger import Channel, Reason, State
from services.notifications.domain.nudge import Names
from services.notifications.domain.permission import PermissionSet
from services.notifications.domain.prompt import (
    Answer,
    Content,
    InboxEntry,
    Language,
    OpenedPrompt,
    PromptOutcome,
    StreamItem,
)


@dataclass(frozen=True, slots=True)
class Admission:
    """What a batch changed: how many decisions were the first, and whose prompts now wait."""

    decisions: int
    rows: int
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimedRow:
    """A row that passed the gate."""

    prompt_id: str
    channel: Channel
    nudge: str
    traceparent: str


@dataclass(frozen=True, slots=True)
class StoppedRow:
    """A row the gate ended."""

    prompt_id: str
    channel: Channel
    nudge: str
    traceparent: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one claim did; `read_through` when rows wait for a newer view of the person."""

    rows: tuple[ClaimedRow, ...] = ()
    stopped: tuple[StoppedRow, ...] = ()
    read_through: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """What a set of permissions did: the serial in force and the rows it ended."""

    subject: str
    serial: int
    ended: int


@dataclass(frozen=True, slots=True)
class OpenPrompt:
    """Who opens what, where and in which language; the trace goes on with what it leads to."""

    subject: str
    prompt_id: str
    channel: Channel
    language: Language
    traceparent: str


class Ledger(Protocol):
    """Prompts on their way, one row a channel: the queue and the scheduler."""

    async def claim(
        self,
        subject: str,
        channels: Iterable[Channel],
        *,
        now: datetime,
        lease: timedelta,
        guard: Callable[[], None],
    ) -> Claimed:
        """Let what is due through the gate, in one transaction with its claim.

        `guard` is called when the locks are held; what it raises leaves everything as it was.
        """

    async def on_stream(
        self, subject: str, after: int, *, now: datetime, limit: int
    ) -> list[StreamItem]:
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

    async def unfinished(self) -> Mapping[tuple[Channel, State], int]:
        """How many rows wait or are on their way, by channel and state."""


class Gate(Protocol):
    """The gate's own copy of permissions and flags."""

    async def take(self, sets: Sequence[PermissionSet]) -> list[Taken]:
        """Take the sets that are newer, and end the prompts whose permission they ended.

        When it answers, every claim and opening either committed before, or sees the new set.
        """

    async def serial(self, subject: str) -> int:
        """The serial in force; 0 for a person unknown here."""


class Permissions(Protocol):
    """Identity's word on permissions."""

    async def read(self, subjects: Sequence[str]) -> list[PermissionSet]:
        """The sets in force; raises PermissionsUnavailable."""


class LeaseRefused(Exception):
    """Identity does not know the lease any more."""


class Leases(Protocol):
    """Identity's leave to serve; raises PermissionsUnavailable when it does not answer in time."""

    async def register(self, seconds: float) -> float:
        """Ask for a lease for at most that time; answers its length in seconds."""

    async def renew(self, seconds: float) -> float:
        """Ask for the lease to live on; answers its length in seconds. Raises LeaseRefused."""


class Prompts(Protocol):
    """Prompts in their person's hands."""

    async def open(
        self,
        opening: OpenPrompt,
        render: Callable[[OpenedPrompt], Content],
        *,
        now: datetime,
    ) -> Content | None:
        """Open through the gate, in one transaction with what it changes.

        None when a newer view of the person must be read first. What cannot be rendered is not
        opened. Raises PromptUnknown, PromptWithdrawn and ContentUnavailable.
        """

    async def received(
        self, subject: str, prompt_id: str, channel: Channel, *, now: datetime
    ) -> State:
        """The device has it; answers where it stands now. Raises PromptUnknown."""

    async def answer(
        self,
        subject: str,
        prompt_id: str,
        channel: Channel,
        answer: Answer,
        *,
        now: datetime,
        traceparent: str,
    ) -> State:
        """Keep what the person says of it. Raises PromptUnknown and PromptNotOpened."""

    async def inbox(
        self, subject: str, after: tuple[datetime, str] | None, limit: int
    ) -> list[InboxEntry]:
        """Entries of the inbox after one of them, newest first."""


class Decisions(Protocol):
    """Every decision that was kept."""

    async def admit(self, arrivals: Sequence[Arrival], now: datetime) -> Admission:
        """Keep each decision unless one of its (event, person) is kept, and write its rows."""

    async def of_event(self, event_id: str, subject: str | None) -> list[Kept]:
        """An event's decisions in a stable order; only one person's if one is given."""

    async def event_of(self, prompt_id: str, subject: str | None) -> str | None:
        """The event a prompt came from; None if there is none, or it is somebody else's."""

    async def deliveries(self, event_id: str, subject: str | None) -> list[Delivery]:
        """Where the event's prompts stand."""


class Outbox(Protocol):
    """Outcomes that were committed and not yet told."""

    async def relay(self, tell: Callable[[PromptOutcome], Awaitable[None]], limit: int) -> int:
        """Tell the oldest ones, and mark those that were told; answers how many."""


class OutcomeLog(Protocol):
    """Where outcomes are told."""

    async def tell(self, outcome: PromptOutcome) -> None:
        """Append one, and wait for the log's word."""


class Texts(Protocol):
    """The catalogue, as far as a prompt's words need it."""

    @property
    def names(self) -> Names:
        """What things are called."""


class NudgeVersions(Protocol):
    """Every version of a nudge that was ever loaded."""

    async def keep(self, documents: Sequence[Mapping[str, Any]]) -> int:
        """Keep the versions that are new; the first text of a version stays. How many were new."""


class Streams(Protocol):
    """The live streams of this process, and the contents it is writing."""

    def reached(self) -> Mapping[str, int]:
        """Each person with a live stream, and the position that all their streams have reached."""

    def is_live(self, subject: str) -> bool:
        """Whether the person has a live stream here."""

    async def feed(
        self, subject: str, read: Callable[[int, int], Awaitable[list[StreamItem]]]
    ) -> None:
        """Queue what `read(after, limit)` answers on each stream that has room for it."""

    def purge(self, subject: str, stays: Callable[[Ask], bool]) -> int:
        """Take what may not stay out of the queues; answers how many frames that were."""

    async def settle(self, subject: str, seconds: float) -> bool:
        """Wait for what is being written to this person; whether it ended in time.

        A stream whose reader does not take its frame is closed after that time, and has ended.
        """

    def opening(self, subject: str) -> AbstractContextManager[Callable[[], None]]:
        """A content is being opened, until the function it yields is called or it fails."""


class Live(Protocol):
    """One device's stream, as its writer sees it."""

    @property
    def closed(self) -> asyncio.Event:
        """Set when it is closed from this side."""

    async def take(self, seconds: float) -> StreamItem | None:
        """The next frame, None after that time; raises StreamClosed."""

    def writing(self) -> AbstractContextManager[None]:
        """A frame is handed to the network within the block."""

    def require_open(self) -> None:
        """Raise StreamClosed unless it is open."""


class LiveRegistry(Protocol):
    """The live streams of this process, as those who open one see them."""

    def live(self, subject: str, position: int) -> AbstractContextManager[Live]:
        """A new stream from a position on, live within the block; raises TooManyStreams."""

    def is_live(self, subject: str) -> bool:
        """Whether the person has a live stream here."""


class WakeUps(Protocol):
    """Hints between replicas: losing one costs a second, never a prompt."""

    def present(self, subject: str) -> None:
        """The person has a live stream here. Never blocks."""

    def absent(self, subject: str) -> None:
        """They have none any more. Never blocks."""

    def call(self, subjects: Iterable[str]) -> None:
        """Tell the other replicas that something waits for these people. Never blocks."""
