"""The live streams of this process, and hints to the others."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from services.notifications.domain.gate import Ask
from services.notifications.domain.prompt import OnStream


class Streams(Protocol):
    """The live streams of this process, and the contents it is writing."""

    def reached(self) -> Mapping[str, int]:
        """Each person with a live stream, and the position that all their streams have reached."""

    def is_live(self, subject: str) -> bool:
        """Whether the person has a live stream here."""

    async def feed(
        self, subject: str, read: Callable[[int, int], Awaitable[list[OnStream]]]
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

    async def take(self, seconds: float) -> OnStream | None:
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
