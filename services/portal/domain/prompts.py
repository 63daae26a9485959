"""A prompt as a person reads it: what it offers, why they got it, and what they made of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Standing(StrEnum):
    """How a prompt stands in the inbox."""

    NEW = "new"
    OPENED = "opened"
    GONE = "gone"


class Opinion(StrEnum):
    """What a person made of a prompt."""

    HELPFUL = "helpful"
    NOT_HELPFUL = "not_helpful"


@dataclass(frozen=True)
class InboxEntry:
    """One prompt in the inbox; it does not say what it is about."""

    prompt_id: str
    at: datetime
    standing: Standing


@dataclass(frozen=True)
class InboxPage:
    """A page of the inbox, newest first; `next_token` is empty on the last one."""

    entries: tuple[InboxEntry, ...]
    next_token: str = ""


@dataclass(frozen=True)
class Fact:
    """One fact that a decision used, who said so and when."""

    label: str
    value: str
    source: str
    date: str


@dataclass(frozen=True)
class Why:
    """Why a person sees a prompt, in words of the prompt's language."""

    rule: str = ""
    facts: tuple[Fact, ...] = ()
    reference: str = ""
    lawful_basis: str = ""
    controller_name: str = ""
    how_to_object: str = ""
    contact: str = ""
    nudge: str = ""


@dataclass(frozen=True)
class Prompt:
    """An opened prompt; a digest has parts, each a prompt as it would be opened alone."""

    prompt_id: str
    language: str
    title: str
    body: str
    link: str
    purpose: str
    controller: str
    deadline: str = ""
    value: str = ""
    opinion: Opinion | None = None
    why: Why = field(default_factory=Why)
    parts: "tuple[Prompt, ...]" = ()
