"""Lines of access logs on their way to identity, which keeps them."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from services.notifications.domain.access_line import AccessLine


class AccessOutbox(Protocol):
    """Lines that were committed with what was read, and not handed over yet."""

    async def relay(self, hand: Callable[[Sequence[AccessLine]], Awaitable[None]]) -> int:
        """Hand the oldest over together, and forget those that were; answers how many."""

    async def waiting(
        self, subject: str, after: tuple[datetime, str] | None, limit: int, *, others_only: bool
    ) -> list[AccessLine]:
        """A person's lines behind one of them, newest first."""


class AccessLogs(Protocol):
    """Where lines are kept."""

    async def append(self, lines: Sequence[AccessLine]) -> None:
        """Hand lines over; the same again changes nothing. Raises AccessLogsUnavailable."""
