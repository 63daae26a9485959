"""Prompts in their person's hands, their words, and what people did with them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.notifications.domain.access_line import AccessLine, Look
from services.notifications.domain.ledger import Channel, State
from services.notifications.domain.nudge import Names
from services.notifications.domain.prompt import (
    Answer,
    Content,
    InboxEntry,
    Language,
    OpenedPrompt,
    PromptOutcome,
)


@dataclass(frozen=True, slots=True)
class OpenPrompt:
    """Who opens what, where and in which language; the trace goes on with what it leads to."""

    subject: str
    prompt_id: str
    channel: Channel
    language: Language
    traceparent: str
    look: Look


class Prompts(Protocol):
    """Prompts in their person's hands."""

    async def open(
        self,
        opening: OpenPrompt,
        render: Callable[[OpenedPrompt], Content],
        *,
        now: datetime,
    ) -> Content | None:
        """Open through the gate, in one transaction with what it changes and the access line.

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
        self, look: AccessLine, after: tuple[datetime, str] | None, limit: int
    ) -> list[InboxEntry]:
        """Entries of the looker's inbox after one of them, newest first."""


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
