"""What was decided for one person and event, as it arrives here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """What became of one nudge when it was decided."""

    ISSUED = "issued"
    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"
    HELD_OUT = "held_out"
    SUPPRESSED = "suppressed"

    @property
    def means_a_prompt(self) -> bool:
        """Whether a prompt is to be delivered, now or later."""
        return self in {Outcome.ISSUED, Outcome.SCHEDULED}


@dataclass(frozen=True, slots=True)
class UsedFact:
    """One fact the decision looked at, by the name the catalogue gives it."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class NudgeDecision:
    """One nudge's part; `version` is major.minor, the times are aware."""

    nudge: str
    version: str
    outcome: Outcome
    reasons: tuple[str, ...]
    prompt_id: str
    purpose: str
    controller: str
    epoch: int
    due_at: datetime | None
    expires_at: datetime | None
    channels: tuple[str, ...]
    parameters: Mapping[str, str]
    facts: tuple[UsedFact, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """Everything decided for one person and event; the first one that arrives is the one.

    `root_event_id` is the event under whose id the prompts of the same entry are counted: its own
    unless this is a later statement about it. One that `withdraws_entry` ends every prompt of the
    entry, whoever's it is.
    """

    event_id: str
    root_event_id: str
    subject: str
    event_type: str
    role: str
    recorded_at: datetime
    decided_at: datetime
    permission_serial: int
    catalogue_revision: str
    occurred: str
    publisher: str
    nudges: tuple[NudgeDecision, ...]
    withdraws_entry: bool = False
    case_id: str = ""

    @property
    def is_later_statement(self) -> bool:
        """Whether it corrects or cancels what was told before."""
        return self.root_event_id != self.event_id

    def nudge_of(self, prompt_id: str) -> NudgeDecision | None:
        """The part that a prompt came from."""
        for nudge in self.nudges:
            if prompt_id and nudge.prompt_id == prompt_id:
                return nudge
        return None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A decision as it came off the log: `record` is its bytes, kept as they were."""

    decision: Decision
    record: bytes
    traceparent: str
