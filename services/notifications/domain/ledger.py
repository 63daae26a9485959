"""The ledger: where a prompt stands on each channel, and what may follow what."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from services.notifications.domain.decision import Arrival, Decision, Outcome


class Channel(StrEnum):
    """The ways to a person."""

    INBOX = "inbox"
    STREAM = "stream"


class State(StrEnum):
    """Where a prompt stands on one channel."""

    NEW = "new"
    CLAIMED = "claimed"
    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    FAILED = "failed"
    DEAD = "dead"

    @property
    def is_final(self) -> bool:
        """Whether nothing can follow."""
        return not _MAY_BECOME[self]

    def may_become(self, following: "State") -> bool:
        """Whether a row in this state may go on to another one."""
        return following in _MAY_BECOME[self]


_ENDS: Final = frozenset({State.OPENED, State.SUPPRESSED, State.EXPIRED, State.DEAD})
_MAY_BECOME: Final[dict[State, frozenset[State]]] = {
    # A claim can lapse after its frame left; the device's word or its opening then finds NEW.
    State.NEW: frozenset({State.CLAIMED, State.SENT, State.DELIVERED}) | _ENDS,
    State.CLAIMED: frozenset({State.NEW, State.SENT, State.DELIVERED, State.FAILED}) | _ENDS,
    State.SENT: frozenset({State.DELIVERED, State.FAILED}) | _ENDS,
    State.DELIVERED: _ENDS,
    State.FAILED: frozenset({State.NEW}) | _ENDS,
    State.OPENED: frozenset(),
    State.SUPPRESSED: frozenset(),
    State.EXPIRED: frozenset(),
    State.DEAD: frozenset(),
}

UNFINISHED: Final = tuple(state for state in State if not state.is_final)
ON_STREAM: Final = (State.CLAIMED, State.SENT, State.DELIVERED)
IN_INBOX: Final = (State.SENT, State.DELIVERED, State.OPENED)


class Reason(StrEnum):
    """Why a row ended without being opened on its channel."""

    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"
    STALE = "stale"
    DECEASED = "deceased"
    CASE_CLOSED = "case_closed"
    CHANNEL_NOT_PERMITTED = "channel_not_permitted"
    PERMISSION_EXPIRED = "permission_expired"
    EXPIRED = "expired"
    CALLED_OFF = "called_off"
    OPENED_ELSEWHERE = "opened_elsewhere"


def states_before(following: State) -> list[str]:
    """The states from which a row may go on to this one."""
    return [state.value for state in State if state.may_become(following)]


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row as admission writes it."""

    prompt_id: str
    channel: Channel
    subject: str
    event_id: str
    root_event_id: str
    nudge: str
    version: str
    scheduled: bool
    purpose: str
    controller: str
    epoch: int
    permission_serial: int
    not_before: datetime
    expires_at: datetime | None
    traceparent: str
    case_id: str


@dataclass(frozen=True, slots=True)
class CalledOff:
    """Prompts that are not wanted any more, and the event that says so.

    With a root: those of that entry, opened or not, but for the one that is to stay; `prompt_id`
    is the one that may still come. Without a nudge, and so without a person: all of the entry.
    Without a root: those of the nudge and person that wait for their moment, whatever for.
    """

    event_id: str
    subject: str = ""
    nudge: str = ""
    root_event_id: str = ""
    prompt_id: str = ""
    stays: str = ""

    @property
    def whole_entry(self) -> bool:
        """Whether nothing of the entry stays or comes, whoever's it is."""
        return not self.nudge


def rows_of(arrival: Arrival, now: datetime) -> list[NewRow]:
    """The ledger rows a decision asks for: one for each prompt and each channel known here."""
    decision = arrival.decision
    known = {channel.value for channel in Channel}
    return [
        NewRow(
            prompt_id=nudge.prompt_id,
            channel=Channel(channel),
            subject=decision.subject,
            event_id=decision.event_id,
            root_event_id=decision.root_event_id,
            nudge=nudge.nudge,
            version=nudge.version,
            scheduled=nudge.outcome is Outcome.SCHEDULED,
            purpose=nudge.purpose,
            controller=nudge.controller,
            epoch=nudge.epoch,
            permission_serial=decision.permission_serial,
            not_before=nudge.due_at or now if nudge.outcome is Outcome.SCHEDULED else now,
            expires_at=nudge.expires_at,
            traceparent=arrival.traceparent,
            case_id=decision.case_id,
        )
        for nudge in decision.nudges
        if nudge.outcome.means_a_prompt
        for channel in dict.fromkeys(nudge.channels)
        if channel in known
    ]


def called_off_by(arrivals: Iterable[Arrival]) -> list[CalledOff]:
    """The prompts that decisions call off.

    A later statement that offers a prompt calls off what an older major of its nudge had offered.
    """
    return [called_off for arrival in arrivals for called_off in _called_off_by(arrival.decision)]


def _called_off_by(decision: Decision) -> Iterator[CalledOff]:
    event_id, root, subject = decision.event_id, decision.root_event_id, decision.subject
    if decision.withdraws_entry:
        yield CalledOff(event_id, root_event_id=root)
        return
    for nudge in decision.nudges:
        if nudge.outcome is Outcome.CANCELLED and nudge.prompt_id:
            yield CalledOff(event_id, subject, nudge.nudge, root, prompt_id=nudge.prompt_id)
        elif nudge.outcome is Outcome.CANCELLED:
            yield CalledOff(event_id, subject, nudge.nudge)
        elif nudge.outcome.means_a_prompt and decision.is_later_statement:
            yield CalledOff(event_id, subject, nudge.nudge, root, stays=nudge.prompt_id)
