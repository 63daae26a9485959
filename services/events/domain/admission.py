"""How an event is known again: its id, its body's digest, and what became of it."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from services.events.domain.errors import Refused

ID_LENGTH: Final = 26
_EVENT_ID = re.compile(r"[a-z2-7]{26}")
_WHOLE_REAL = re.compile(r"\.0[,}\]]")
# Beyond it a real number does not say which whole one it is.
_EXACT: Final = 2**53

# After this long without an answer, whoever was admitting an event is taken for dead.
LEASE: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class Assertion:
    """A publisher's signed statement of who they are, good for one request."""

    publisher: str
    jti: str
    expires_at: datetime
    kid: str = ""
    """Which of the publisher's keys made it."""
    scope: frozenset[str] | None = None
    """The only types it may publish of all that its publisher may; None where it does not say."""
    bases: frozenset[str] = frozenset()
    """What it names as a lawful basis or a purpose, which is for the catalogue to say."""


@dataclass(frozen=True)
class Submission:
    """An event as one of the ways in hands it over; whose it is, is believed already.

    `body` is the JSON text of a CloudEvent, or the same when a way in reads another form, or why it
    cannot be read. An assertion is used up together with its event; None where that is done.
    `scope` and `bases` are those of the assertion it came with.
    """

    publisher: str
    body: bytes | Mapping[str, Any] | Refused
    traceparent: str = ""
    assertion: Assertion | None = None
    scope: frozenset[str] | None = None
    bases: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Application:
    """An event that asks to be admitted; `claim` is what its admission is known by."""

    event_id: str
    publisher: str
    source: str
    id: str
    type: str
    digest: bytes
    at: datetime
    traceparent: str
    claim: str
    assertion: Assertion | None


class Standing(StrEnum):
    """What an application finds under its key."""

    OURS = "ours"  # nobody admitted it and nobody else is at it: go on
    DONE = "done"
    IN_PROGRESS = "in_progress"
    OTHER_BODY = "other_body"
    REPLAYED = "replayed"  # its assertion was used before: nothing was looked at


@dataclass(frozen=True)
class Claim:
    """The answer to an application; `received_at` is that of the first one for this event."""

    standing: Standing
    received_at: datetime | None = None


@dataclass(frozen=True)
class Receipt:
    """What the publisher is told."""

    event_id: str
    duplicate: bool


class Status(StrEnum):
    """How far an event has come. What follows a decision is not the publisher's to know."""

    ADMITTED = "admitted"
    ON_THE_LOG = "on_the_log"
    DECIDED = "decided"


@dataclass(frozen=True)
class Progress:
    """Where an event stands; `records` and `decided` count persons and are told to nobody."""

    event_id: str
    id: str
    source: str
    type: str
    received_at: datetime
    records: int | None
    decided: int
    simulated: Mapping[str, str] = field(default_factory=dict)
    """In the sandbox: what would have become of a prompt to the person in each role."""

    @property
    def status(self) -> Status:
        """How far it has come."""
        if self.records is None:
            return Status.ADMITTED
        return Status.DECIDED if self.decided >= self.records else Status.ON_THE_LOG


def event_id_of(publisher: str, source: str, id: str) -> str:  # noqa: A002  # CloudEvents' own name
    """The event's id: the same for the same publisher, source and id, for ever."""
    parts = "|".join(_escaped(part) for part in (publisher, source, id))
    digest = hashlib.sha256(f"evt|1|{parts}".encode()).digest()
    return base64.b32encode(digest).decode("ascii").lower()[:ID_LENGTH]


def in_sandbox(publisher: str) -> str:
    """The name under which a publisher's sandbox events are admitted.

    One of its own, so that what was tried out is not taken for what happened.
    """
    return f"{publisher}/sandbox"


def is_event_id(text: str) -> bool:
    """Whether a text has the form of an event id."""
    return _EVENT_ID.fullmatch(text) is not None


def digest_of(body: Mapping[str, Any]) -> bytes:
    """SHA-256 over the canonical JSON of a parsed body: order and white space do not count.

    Nor does `datacontenttype`, which can only say what is so without it, nor how a whole number is
    written: 1.0 is 1.
    """
    told = {name: value for name, value in body.items() if name != "datacontenttype"}
    canonical = _canonical(told)
    if _WHOLE_REAL.search(canonical):
        canonical = _canonical(_whole(told))
    return hashlib.sha256(canonical.encode("utf-8")).digest()


def _canonical(value: Any) -> str:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return value


def mark_of(event_id: str, subject: str) -> bytes:
    """A digest that counts a person of an event once without keeping whom it is about."""
    return hashlib.sha256(f"{event_id}|{subject}".encode()).digest()[:16]


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("|", "\\|")
