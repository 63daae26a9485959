"""The access log's way in and out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.identity.domain.access_line import AccessLine
from services.identity.domain.identifier import Fingerprint


@dataclass(frozen=True)
class Page:
    """Which of a person's lines are asked for: the newest behind `after`, at most `limit`."""

    subject: str = field(repr=False)
    limit: int
    after: tuple[datetime, str] | None = None
    others_only: bool = False


@dataclass(frozen=True)
class Attempted:
    """A person of a refused event: their fingerprints, and the line for whoever they are.

    The line's subject is a handle that nobody has: it stays where the person is not known, so that
    the same is written down, in the same time, whether they are or not.
    """

    fingerprints: tuple[Fingerprint, ...] = field(repr=False)
    line: AccessLine


class AccessRows(Protocol):
    """Lines as part of one transaction: committed with what was read, or neither."""

    async def add(self, lines: Sequence[AccessLine]) -> None:
        """Write lines down in one statement; one that stands already is left alone."""

    async def add_attempts(self, attempted: Sequence[Attempted]) -> None:
        """The same for refused attempts, each for whom its strongest fingerprint means."""


class AccessLog(Protocol):
    """Lines that were committed; every method may raise StoreUnavailable."""

    async def lines(self, page: Page) -> list[AccessLine]:
        """A person's lines, newest first."""

    async def forget(self, before: datetime, limit: int) -> int:
        """Forget a bounded number of lines from before a moment; how many."""


class WaitingLines(Protocol):
    """Lines that other services committed with their reads and have not handed over yet."""

    async def lines(self, page: Page) -> list[AccessLine] | None:
        """A person's, newest first; None where nobody who may hold some answers in time."""
