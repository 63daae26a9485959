"""Outcomes, reasons and states in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_OUTCOMES: Final[Mapping[str, str]] = {
    "issued": "a prompt is to be delivered now",
    "scheduled": "a prompt is to be delivered later",
    "cancelled": "its prompt is called off, if there is one",
    "held_out": "the person is in the group that gets none, so that its effect can be measured",
    "suppressed": "no prompt",
}

_REASONS: Final[Mapping[str, str]] = {
    "no_permission": "the person has not permitted this purpose to this department",
    "permission_withdrawn": "the person has taken this permission back",
    "permission_objected": "the person has objected to this purpose of this department",
    "permission_expired": "the person's permission has ended",
    "channel_not_allowed": "the person permits no channel that the nudge uses",
    "deceased": "a death is registered for the person",
    "case_closed": "the child whom it is about was lost",
    "flagged": "everything meant for the person is silent",
    "age_unknown": "the person's age is not known, and nobody who may be a child is prompted",
    "under_age": "the person is under 18, and children are not prompted directly",
    "not_eligible": "the nudge's condition does not hold",
    "nudge_not_effective": "the nudge was not in force when the event was recorded",
    "stale_event": "it happened too long ago for the prompt to be worth showing",
    "deadline_passed": "the last moment to act has passed",
    "fulfilled_already": "the person has done this already",
    "event_cancelled": "the register took the event back",
    "event_replaced": "a later statement about the same entry was here before it",
    "event_repeated": "the same fact was told before, under another id",
    "correction_kept": "a correction of this kind leaves prompts as they are",
    "not_in_audience": "the nudge is for another nation or another role",
    "withdrawn": "the person has taken this permission back since",
    "objected": "the person has objected since",
    "stale": "the permission changed after the decision",
    "channel_not_permitted": "the person does not permit this channel",
    "expired": "it is no longer worth showing",
    "called_off": "a later event called it off",
    "opened_elsewhere": "the person opened it on another channel",
}

_STATES: Final[Mapping[str, str]] = {
    "new": "waiting for its moment or its channel",
    "claimed": "passed the permission gate, being sent",
    "sent": "left the platform",
    "delivered": "arrived",
    "opened": "opened by the person",
    "suppressed": "stopped before the person opened it",
    "expired": "no longer worth showing",
    "failed": "the channel failed; it will be tried again",
    "dead": "given up",
}

_CORRECTIONS: Final[Mapping[str, str]] = {
    "keep": "prompts stay as they are, and nothing new is decided",
    "reconsider": "decided again as the entry now stands; a prompt that still applies stays the "
    "same one, the others are called off",
    "withdraw": "every prompt of the entry is called off",
    "reissue": "decided anew, as new prompts",
}


def outcome(code: str) -> str:
    """What an outcome means."""
    return _OUTCOMES.get(code, _spelt(code))


def reason(code: str) -> str:
    """What a reason means; one that has no sentence yet is spelt out."""
    return _REASONS.get(code, _spelt(code))


def state(code: str) -> str:
    """What a delivery's state means."""
    return _STATES.get(code, _spelt(code))


def correction(code: str) -> str:
    """What a later statement about an entry does to the prompts that came of it."""
    return _CORRECTIONS.get(code, _spelt(code))


def _spelt(code: str) -> str:
    return code.replace("_", " ").replace(".", " ")
