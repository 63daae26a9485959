"""What was decided, and why."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

PROMPT_ID_LENGTH: Final = 26


class Outcome(StrEnum):
    """What became of one nudge."""

    ISSUED = "issued"
    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"
    SUPPRESSED = "suppressed"

    @property
    def means_a_prompt(self) -> bool:
        """Whether a prompt is to be delivered, now or later."""
        return self in {Outcome.ISSUED, Outcome.SCHEDULED}


class SuppressionReason(StrEnum):
    """Why there is no prompt."""

    EVENT_CANCELLED = "event_cancelled"
    EVENT_REPLACED = "event_replaced"
    EVENT_REPEATED = "event_repeated"
    CORRECTION_KEPT = "correction_kept"
    NOT_IN_AUDIENCE = "not_in_audience"
    DECEASED = "deceased"
    FLAGGED = "flagged"
    CASE_CLOSED = "case_closed"
    AGE_UNKNOWN = "age_unknown"
    UNDER_AGE = "under_age"
    NUDGE_NOT_EFFECTIVE = "nudge_not_effective"
    NO_PERMISSION = "no_permission"
    PERMISSION_WITHDRAWN = "permission_withdrawn"
    PERMISSION_OBJECTED = "permission_objected"
    PERMISSION_EXPIRED = "permission_expired"
    CHANNEL_NOT_ALLOWED = "channel_not_allowed"
    STALE_EVENT = "stale_event"
    DEADLINE_PASSED = "deadline_passed"
    NOT_ELIGIBLE = "not_eligible"
    FULFILLED_ALREADY = "fulfilled_already"


@dataclass(frozen=True, slots=True)
class UsedFact:
    """A fact a condition looked at; the value is empty when it was not known."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class NudgeDecision:
    """What became of one nudge; `reasons` is empty only when it is issued or scheduled.

    `prompt_id` names the prompt that is to be shown, or the one that is called off.
    """

    nudge: str
    version: str
    outcome: Outcome
    purpose: str
    controller: str
    reasons: tuple[SuppressionReason, ...] = ()
    prompt_id: str = ""
    occurrence: int = 0
    epoch: int = 0
    due_at: datetime | None = None
    expires_at: datetime | None = None
    channels: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    facts: tuple[UsedFact, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """Everything decided for one record of life-events.v1.

    `root_event_id` is the event under whose id the entry's prompts are counted: its own, unless it
    corrects or cancels what was told before. One that `withdraws_entry` ends every prompt of the
    entry, also of people and nudges that it does not speak of.
    """

    event_id: str
    root_event_id: str
    subject: str
    event_type: str
    role: str
    occurred: str
    publisher: str
    recorded_at: datetime
    decided_at: datetime
    permission_serial: int
    catalogue_revision: str
    nudges: tuple[NudgeDecision, ...] = ()
    withdraws_entry: bool = False
    case_id: str = ""


def prompt_id(event_id: str, nudge: str, major: int, occurrence: int, recipient: str) -> str:
    """The prompt's id: the same for the same event, nudge, major, occurrence and recipient."""
    parts = ("prm", "1", event_id, nudge, str(major), str(occurrence), recipient)
    joined = "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts)
    digest = hashlib.sha256(joined.encode()).digest()
    return base64.b32encode(digest).decode("ascii").lower()[:PROMPT_ID_LENGTH]
