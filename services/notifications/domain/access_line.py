"""One line of a person's access log, as it is committed here: names of fields, never values."""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from services.notifications.domain.prompt import OpenedPrompt

OWN_DATA: Final = "own_data"
WHY: Final = "why"
_ID_LENGTH: Final = 26
_DERIVED: Final = ("derived.record.", "derived.")
_AGE: Final = "age_years"


class ReaderKind(StrEnum):
    """Who looks at anything here: the person themselves, or staff who run the platform."""

    PERSON = "person"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class AccessLine:
    """One read."""

    id: str
    subject: str = field(repr=False)
    at: datetime
    reader_kind: ReaderKind
    purpose: str
    lawful_basis: str = ""
    fields: tuple[str, ...] = ()
    event_id: str = ""
    prompt_id: str = ""
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """A call that reads: its own id, when, in which trace, and who is looking."""

    id: str
    at: datetime
    trace_id: str
    reader_kind: ReaderKind = ReaderKind.PERSON

    def at_inbox(self, subject: str) -> AccessLine:
        """The person looks at their inbox, still sealed."""
        return self._line(subject, OWN_DATA, fields=("inbox",))

    def at_prompt(self, subject: str, opened: OpenedPrompt) -> AccessLine:
        """The person opens a prompt, and with it the facts it was decided on."""
        decision = opened.decision
        decided = decision.nudge_of(opened.prompt_id) if decision is not None else None
        facts = decided.facts if decided is not None else ()
        return self._line(
            subject,
            decided.purpose if decided is not None else OWN_DATA,
            lawful_basis=str(opened.nudge_document.get("lawful_basis", "")),
            fields=("prompt", *dict.fromkeys(_field(fact.name) for fact in facts)),
            event_id=decision.event_id if decision is not None else "",
            prompt_id=opened.prompt_id,
        )

    def at_decision(self, subject: str, event_id: str) -> AccessLine:
        """Somebody asks why: the person about their own decision, an operator about an event's."""
        own = self.reader_kind is ReaderKind.PERSON
        return self._line(
            subject,
            OWN_DATA if own else WHY,
            lawful_basis="" if own else "public_task",
            fields=("decision",),
            event_id=event_id,
        )

    def _line(  # what a line says
        self,
        subject: str,
        purpose: str,
        *,
        lawful_basis: str = "",
        fields: tuple[str, ...],
        event_id: str = "",
        prompt_id: str = "",
    ) -> AccessLine:
        return AccessLine(
            id=_line_id(self.id, subject, prompt_id),
            subject=subject,
            at=self.at,
            reader_kind=self.reader_kind,
            purpose=purpose,
            lawful_basis=lawful_basis,
            fields=fields,
            event_id=event_id,
            prompt_id=prompt_id,
            trace_id=self.trace_id,
        )


def _line_id(look: str, subject: str, prompt_id: str) -> str:
    """The same when the same call does its work a second time."""
    digest = hashlib.sha256(f"acc|1|{look}|{subject}|{prompt_id}".encode()).digest()
    return base64.b32encode(digest).decode().lower()[:_ID_LENGTH]


def _field(fact: str) -> str:
    """A fact by the name that the personal record has for it, where it is from there."""
    for prefix in _DERIVED:
        if fact.startswith(prefix):
            name = fact.removeprefix(prefix)
            return "age" if name == _AGE else name
    return fact
