"""What a person permits, and the only ways it changes.

The serial of a set rises at every change. The epoch of a row rises only when permission ends, so
that a decision made under an older permission is known by its epoch for ever.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from services.identity.domain.errors import FieldInvalid

CHANNELS: Final = ("inbox", "stream")
SELF: Final = "self"
EXPIRY: Final = "expiry"


class Choice(StrEnum):
    """What the person said."""

    UNSAID = "unsaid"
    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"


class Flag(StrEnum):
    """A mark on a person that silences prompts."""

    DECEASED = "deceased"


@dataclass(frozen=True)
class Permission:
    """One row. `ended` says that the epoch already counts the end of what was given last."""

    purpose: str
    controller: str
    choice: Choice = Choice.UNSAID
    epoch: int = 0
    lawful_basis: str = ""
    channels: tuple[str, ...] = ()
    expires_at: datetime | None = None
    agreement_hash: str = ""
    ended: bool = False

    @property
    def stands(self) -> bool:
        """Whether it was given and has not ended, expiry not yet counted."""
        return self.choice is Choice.GIVEN and not self.ended

    def is_due(self, now: datetime) -> bool:
        """Whether it still stands although its time is over."""
        return self.stands and self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True)
class PermissionSet:
    """Everything one person permits, and what silences prompts to them: flags and closed cases."""

    subject: str = field(repr=False)
    serial: int = 0
    permissions: tuple[Permission, ...] = ()
    flags: frozenset[Flag] = frozenset()
    closed_cases: frozenset[str] = frozenset()

    @property
    def marks(self) -> frozenset[str]:
        """Everything that silences prompts, whatever is permitted."""
        return self.flags | self.closed_cases

    def row(self, purpose: str, controller: str) -> Permission:
        """The row; one that was never written means no."""
        for each in self.permissions:
            if (each.purpose, each.controller) == (purpose, controller):
                return each
        return Permission(purpose, controller)


@dataclass(frozen=True)
class Change:
    """One change of a row: the row and the serial after it, and whether permission ended by it."""

    serial: int
    permission: Permission
    signed_by: str
    ends: bool


@dataclass(frozen=True)
class Outcome:
    """A set after a transition, with what changed on the way."""

    after: PermissionSet
    changes: tuple[Change, ...] = ()
    silenced: bool = False

    @property
    def subject(self) -> str:
        """Whose set it is."""
        return self.after.subject

    @property
    def must_be_fenced(self) -> bool:
        """Whether somebody, somewhere, might still act on more than is now permitted."""
        return self.silenced or any(change.ends for change in self.changes)


@dataclass(frozen=True)
class Terms:
    """What the person agrees to. No channels named means all there are today, never later ones."""

    purpose: str
    controller: str
    agreement_hash: str
    channels: tuple[str, ...] = ()
    expires_at: datetime | None = None

    def check(self, now: datetime) -> None:
        """Raise FieldInvalid for an unknown channel or an end that is over already."""
        if any(channel not in CHANNELS for channel in self.channels):
            raise FieldInvalid("channels", "channel_unknown")
        if self.expires_at is not None and self.expires_at <= now:
            raise FieldInvalid("expires_at", "time_past")

    def permission(self, lawful_basis: str, epoch: int) -> Permission:
        """The row as it stands when given."""
        return Permission(
            purpose=self.purpose,
            controller=self.controller,
            choice=Choice.GIVEN,
            epoch=epoch,
            lawful_basis=lawful_basis,
            channels=tuple(c for c in CHANNELS if c in (self.channels or CHANNELS)),
            expires_at=self.expires_at,
            agreement_hash=self.agreement_hash,
        )


def give(current: PermissionSet, terms: Terms, lawful_basis: str, now: datetime) -> Outcome:
    """Permission stands on these terms; the same terms twice change nothing.

    What the department relies on is said by the agreement, never by whoever asks.

    What was given before and has run out unnoticed ends first, so that its epoch never returns.
    """
    terms.check(now)
    outcome = Outcome(current)
    before = current.row(terms.purpose, terms.controller)
    if before.is_due(now):
        outcome = _end(outcome, before, EXPIRY)
        before = outcome.after.row(terms.purpose, terms.controller)
    given = terms.permission(lawful_basis, before.epoch)
    return outcome if given == before else _changed(outcome, given, SELF, ends=False)


def withdraw(current: PermissionSet, purpose: str, controller: str) -> Outcome:
    """Permission is taken back; where there is none to take back, nothing changes."""
    before = current.row(purpose, controller)
    if before.choice is not Choice.GIVEN:
        return Outcome(current)
    return _refuse(current, before, Choice.WITHDRAWN)


def object_to(current: PermissionSet, purpose: str, controller: str) -> Outcome:
    """The person objects, whatever they said before; only a later yes of theirs lifts it."""
    before = current.row(purpose, controller)
    if before.choice is Choice.OBJECTED:
        return Outcome(current)
    return _refuse(current, before, Choice.OBJECTED)


def expire(current: PermissionSet, now: datetime) -> Outcome:
    """Every permission whose time is over ends."""
    outcome = Outcome(current)
    for each in current.permissions:
        if each.is_due(now):
            outcome = _end(outcome, each, EXPIRY)
    return outcome


def put_marks(
    current: PermissionSet, flags: Iterable[Flag], closed_cases: Iterable[str]
) -> Outcome:
    """The set with these marks and no others; one more must be fenced, one fewer need not."""
    after = replace(current, flags=frozenset(flags), closed_cases=frozenset(closed_cases))
    if after == current:
        return Outcome(current)
    after = replace(after, serial=current.serial + 1)
    return Outcome(after, silenced=bool(after.marks - current.marks))


def _refuse(current: PermissionSet, before: Permission, choice: Choice) -> Outcome:
    refused = replace(
        before,
        choice=choice,
        epoch=before.epoch + before.stands,
        channels=(),
        expires_at=None,
        ended=True,
    )
    return _changed(Outcome(current), refused, SELF, ends=before.stands)


def _end(outcome: Outcome, permission: Permission, signed_by: str) -> Outcome:
    ended = replace(permission, epoch=permission.epoch + 1, ended=True)
    return _changed(outcome, ended, signed_by, ends=True)


def _changed(outcome: Outcome, row: Permission, signed_by: str, *, ends: bool) -> Outcome:
    before = outcome.after
    others = (p for p in before.permissions if (p.purpose, p.controller) != _key(row))
    rows = tuple(sorted((*others, row), key=_key))
    after = replace(before, serial=before.serial + 1, permissions=rows)
    change = Change(after.serial, row, signed_by, ends)
    return Outcome(after, (*outcome.changes, change), outcome.silenced)


def _key(permission: Permission) -> tuple[str, str]:
    return permission.purpose, permission.controller
