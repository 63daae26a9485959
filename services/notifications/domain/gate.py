"""The gate: whether a prompt may go to a person, at this moment, on this view of their choices.

Everything depends on the caller holding the person's gate row locked from before the view was read
until after what was allowed is committed: then this predicate and a withdrawal are totally ordered.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.notifications.domain import digest
from services.notifications.domain.ledger import Reason
from services.notifications.domain.permission import Choice, Flag, Permission, PermissionSet

# A digest offers nothing by itself: each of its parts passes when it is opened.
_COVER: Final = frozenset({digest.BASIS})
# What needs nobody's yes: declared in the catalogue for a nudge, never said in a request.
NEEDS_NO_PERMISSION: Final = frozenset({"statutory_notice", "vital_interest"})


@dataclass(frozen=True, slots=True)
class Ask:
    """What wants to pass: a prompt on a channel, with what its decision saw."""

    purpose: str
    controller: str
    epoch: int
    permission_serial: int
    channel: str
    expires_at: datetime | None
    basis: str
    case_id: str = ""


@dataclass(frozen=True, slots=True)
class Passed:
    """It may go."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """It may never go."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class ReadThrough:
    """The view is missing, or older than the decision: ask identity, and never stop because of it.

    Whoever cannot ask leaves the prompt where it is.
    """


Verdict = Passed | Stopped | ReadThrough


def judge(ask: Ask, view: PermissionSet | None, now: datetime) -> Verdict:
    """Whether a prompt may pass. Total and pure.

    The epoch must be equal, not at least as high: nothing decided before a no goes out after a
    later yes. What needs no permission is stopped by flags alone.
    """
    if ask.expires_at is not None and ask.expires_at <= now:
        return Stopped(Reason.EXPIRED)
    ended = judge_ended(ask, view)
    if ended is not None:
        return ended
    if ask.basis in NEEDS_NO_PERMISSION | _COVER:
        return Passed()
    permission = view.find(ask.purpose, ask.controller) if view is not None else None
    return _judge_now(ask, permission, now)


def judge_ended(ask: Ask, view: PermissionSet | None) -> Stopped | ReadThrough | None:
    """Whether what the decision stood on has ended (or cannot be known); None while it stands.

    It leaves out what can change back by itself without a new epoch: time and channels. So this
    is what a change of the person's set does at once to prompts that wait.
    """
    if view is None or view.serial < ask.permission_serial:
        return ReadThrough()
    if Flag.DECEASED in view.flags:
        return Stopped(Reason.DECEASED)
    if ask.case_id in view.closed_cases:
        return Stopped(Reason.CASE_CLOSED)
    if ask.basis in NEEDS_NO_PERMISSION | _COVER:
        return None
    return _judge_epoch(ask, view.find(ask.purpose, ask.controller))


def _judge_epoch(ask: Ask, permission: Permission | None) -> Stopped | ReadThrough | None:
    if permission is not None and permission.choice is Choice.OBJECTED:
        return Stopped(Reason.OBJECTED)
    if permission is None or permission.choice is not Choice.GIVEN:
        return Stopped(Reason.WITHDRAWN)
    if permission.epoch > ask.epoch:
        return Stopped(Reason.STALE)
    if permission.epoch < ask.epoch:
        # Serial and epoch contradict each other: the view cannot be the whole truth.
        return ReadThrough()
    return None


def _judge_now(ask: Ask, permission: Permission | None, now: datetime) -> Passed | Stopped:
    if permission is None:
        return Stopped(Reason.WITHDRAWN)
    if permission.expires_at is not None and permission.expires_at <= now:
        return Stopped(Reason.PERMISSION_EXPIRED)
    if ask.channel not in permission.channels:
        return Stopped(Reason.CHANNEL_NOT_PERMITTED)
    return Passed()
