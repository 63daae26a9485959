"""A prompt in a person's hands: sealed, listed, opened, answered."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from services.notifications.domain.decision import Decision
from services.notifications.domain.gate import Ask
from services.notifications.domain.ledger import Channel, State

# Both languages at once: a device's language is nothing the stream needs to know.
SEALED_LINE: Final = "Mae gennych neges newydd. You have a new message."
_ID_LENGTH: Final = 26


class Language(StrEnum):
    """The languages every text has."""

    EN = "en"
    CY = "cy"


class Answer(StrEnum):
    """What the person says of a prompt."""

    HELPFUL = "helpful"
    NOT_HELPFUL = "not_helpful"
    DONE = "done"


class OutcomeKind(StrEnum):
    """What happened to a prompt in a person's hands."""

    OPENED = "opened"
    HELPFUL = "helpful"
    NOT_HELPFUL = "not_helpful"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class StreamItem:
    """A prompt on its way to a device; it says nothing of what it is about."""

    subject: str
    prompt_id: str
    position: int
    fence: int
    nudge: str
    traceparent: str
    ask: Ask


@dataclass(frozen=True, slots=True)
class Recall:
    """A prompt that was streamed and has ended unopened: devices take it off the screen."""

    subject: str
    prompt_id: str
    position: int
    at: datetime


OnStream = StreamItem | Recall
"""What stands on a person's stream, in the order of its positions."""


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """One line of the inbox."""

    prompt_id: str
    at: datetime
    state: State


@dataclass(frozen=True, slots=True)
class OpenedPrompt:
    """What the ledger knows of a prompt that passed the gate: enough to render it.

    A digest has parts, each passed by itself, and no decision of its own.
    """

    prompt_id: str
    decision: Decision | None
    nudge_document: Mapping[str, Any]
    answer: Answer | None
    parts: "tuple[OpenedPrompt, ...]" = ()


@dataclass(frozen=True, slots=True)
class WhyFact:
    """One fact with its source, in words."""

    label: str
    value: str
    source: str
    date: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a prompt says and why, in one language, ready to be shown."""

    prompt_id: str
    language: Language
    title: str
    body: str
    link: str
    purpose: str
    controller: str
    deadline: str
    value: str
    rule: str
    facts: tuple[WhyFact, ...]
    reference: str
    lawful_basis: str
    controller_name: str
    how_to_object: str
    contact: str
    nudge: str
    answer: Answer | None
    parts: "tuple[Content, ...]" = ()


@dataclass(frozen=True, slots=True)
class PromptOutcome:
    """What a person did with a prompt, as it is told to the log."""

    outcome_id: str
    subject: str
    prompt_id: str
    nudge: str
    version: str
    channel: Channel
    kind: OutcomeKind
    at: datetime
    event_id: str
    traceparent: str


def outcome_id(prompt_id: str, kind: OutcomeKind, channel: Channel) -> str:
    """The outcome's id: the same for the same thing, however often it is told."""
    digest = hashlib.sha256(f"out|1|{prompt_id}|{kind}|{channel}".encode()).digest()
    return base64.b32encode(digest).decode().lower()[:_ID_LENGTH]
