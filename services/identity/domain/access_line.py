"""One line of a person's access log: who read what of them, what for and on which basis."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

_ID_LENGTH: Final = 26

# What the platform itself reads for: no event type and no purpose of the agreements.
OWN_DATA: Final = "own_data"
REGISTRATION: Final = "registration"
CHECKING_CHOICES: Final = "checking_choices"
WHY: Final = "why"

# Names of what is read that are no fields of the personal record.
AGE: Final = "age"
EARLIER_EVENTS: Final = "earlier_events"
IDENTIFIERS: Final = "identifiers"
CHOICES: Final = "choices"
CHOICE_HISTORY: Final = "choice_history"


class ReaderKind(StrEnum):
    """What kind of reader looked, or tried to."""

    PUBLISHER = "publisher"
    PERSON = "person"
    DELEGATE = "delegate"
    OPERATOR = "operator"
    SERVICE = "service"


class Action(StrEnum):
    """What came of it."""

    READ = "read"
    REFUSED = "refused"


@dataclass(frozen=True)
class Reader:
    """Who looked: a publisher or service by its id, a delegate by their handle.

    The id is empty for the person themselves and for an operator.
    """

    kind: ReaderKind
    id: str = field(default="", repr=False)


@dataclass(frozen=True)
class AccessLine:
    """One read or refused attempt; `fields` are names, never values.

    `reason` is the code of the refusal, empty for what was read.
    """

    id: str
    subject: str = field(repr=False)
    at: datetime
    reader: Reader
    action: Action
    purpose: str
    lawful_basis: str
    fields: tuple[str, ...] = ()
    event_id: str = ""
    prompt_id: str = ""
    trace_id: str = ""
    reason: str = ""

    @property
    def place(self) -> tuple[datetime, str]:
        """Where it stands in its person's log."""
        return self.at, self.id


def own_look(
    line_id: str, subject: str, fields: tuple[str, ...], at: datetime, trace_id: str
) -> AccessLine:
    """A person looks at what is known of them."""
    return AccessLine(
        id=line_id,
        subject=subject,
        at=at,
        reader=Reader(ReaderKind.PERSON),
        action=Action.READ,
        purpose=OWN_DATA,
        lawful_basis="",
        fields=fields,
        trace_id=trace_id,
    )


def choices_checked(service: str, subject: str, at: datetime) -> AccessLine:
    """A service of the platform keeps to what a person said: one line for the whole day."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return AccessLine(
        id=line_id(service, subject, day.date().isoformat()),
        subject=subject,
        at=day,
        reader=Reader(ReaderKind.SERVICE, service),
        action=Action.READ,
        purpose=CHECKING_CHOICES,
        lawful_basis="public_task",
        fields=(CHOICES,),
    )


def line_id(*about: str) -> str:
    """The id of a line that is the same whenever the same read is told again."""
    digest = hashlib.sha256("|".join(("acc", "1", *about)).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:_ID_LENGTH]


def newest_first(
    lines: Iterable[AccessLine], waiting: Iterable[AccessLine], size: int
) -> tuple[Sequence[AccessLine], bool]:
    """A page of what stands in the log and of what still waits elsewhere; whether more follow.

    Each of the two must hold its newest `size` + 1 lines behind the page before. A line that is
    being handed over may stand in both, and is one.
    """
    found = {line.place: line for line in (*lines, *waiting)}
    ordered = [found[place] for place in sorted(found, reverse=True)]
    return ordered[:size], len(ordered) > size
