"""What a person permits, and the one function that says whether a nudge may use it."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from services.nudges.domain.decision import SuppressionReason


class LawfulBasis(StrEnum):
    """Why a nudge may be sent at all, as the catalogue declares it."""

    EXPLICIT_CONSENT = "explicit_consent"
    PUBLIC_TASK = "public_task"
    STATUTORY_GATEWAY = "statutory_gateway"
    STATUTORY_NOTICE = "statutory_notice"
    VITAL_INTEREST = "vital_interest"

    @property
    def needs_permission(self) -> bool:
        """Whether the person must have said yes: always, but for what the law makes us tell."""
        return self not in {LawfulBasis.STATUTORY_NOTICE, LawfulBasis.VITAL_INTEREST}


class Choice(StrEnum):
    """What the person said about one purpose of one department."""

    UNSPECIFIED = "unspecified"
    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"


class Flag(StrEnum):
    """A mark on a person that silences prompts."""

    DECEASED = "deceased"
    # A mark from a newer writer: what it means is not known, that it silences is.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Permission:
    """One row: a purpose of a department, with the person's choice.

    `epoch` rises only when permission ends; `expires_at` is the moment it ends by itself.
    """

    purpose: str
    controller: str
    choice: Choice
    epoch: int = 0
    channels: frozenset[str] = frozenset()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PermissionSet:
    """All a person said and all marks on them, as of a serial; a row that is missing means no."""

    subject: str
    serial: int = 0
    rows: Mapping[tuple[str, str], Permission] = field(default_factory=dict)
    flags: frozenset[Flag] = frozenset()
    closed_cases: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        subject: str,
        serial: int,
        rows: Iterable[Permission],
        flags: Iterable[Flag] = (),
        closed_cases: Iterable[str] = (),
    ) -> "PermissionSet":
        """The set with its rows found by purpose and department."""
        by_key = {(row.purpose, row.controller): row for row in rows}
        return cls(subject, serial, by_key, frozenset(flags), frozenset(closed_cases))

    def marks(self, case_id: str) -> "Marks":
        """What silences prompts of an event of this case; of no case, when the id is empty."""
        return Marks(self.flags, case_id in self.closed_cases)

    def row(self, purpose: str, controller: str) -> Permission | None:
        """The row of a purpose and department, if the person ever said anything about it."""
        return self.rows.get((purpose, controller))


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks on a person, and whether the case that it is about is closed."""

    flags: frozenset[Flag] = frozenset()
    case_closed: bool = False

    @property
    def silence(self) -> SuppressionReason | None:
        """The reason why nothing at all may be sent; None while something may."""
        if Flag.DECEASED in self.flags:
            return SuppressionReason.DECEASED
        if self.flags:
            return SuppressionReason.FLAGGED
        return SuppressionReason.CASE_CLOSED if self.case_closed else None


@dataclass(frozen=True, slots=True)
class Allowed:
    """The nudge may be sent by these channels."""

    channels: tuple[str, ...]


_NO: Final = {
    Choice.UNSPECIFIED: SuppressionReason.NO_PERMISSION,
    Choice.WITHDRAWN: SuppressionReason.PERMISSION_WITHDRAWN,
    Choice.OBJECTED: SuppressionReason.PERMISSION_OBJECTED,
}


def may(
    basis: LawfulBasis,
    row: Permission | None,
    marks: Marks,
    channels: AbstractSet[str],
    now: datetime,
) -> Allowed | SuppressionReason:
    """Whether a nudge of this basis, offering these channels, may go now; unknown means no.

    One function, and nothing else in this service asks the question. A permission that expires at
    this very moment has expired.
    """
    if marks.silence is not None:
        return marks.silence
    if not basis.needs_permission:
        return Allowed(tuple(sorted(channels)))
    if row is None or row.choice is not Choice.GIVEN:
        return _NO[row.choice if row is not None else Choice.UNSPECIFIED]
    if row.expires_at is not None and row.expires_at <= now:
        return SuppressionReason.PERMISSION_EXPIRED
    shared = row.channels & channels
    return Allowed(tuple(sorted(shared))) if shared else SuppressionReason.CHANNEL_NOT_ALLOWED
