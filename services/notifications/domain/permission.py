"""What a person permits, as far as delivery needs to know it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Choice(StrEnum):
    """What the person said; `UNSAID` means no."""

    UNSAID = "unsaid"
    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"


class Flag(StrEnum):
    """A mark on a person that silences prompts."""

    DECEASED = "deceased"


@dataclass(frozen=True, slots=True)
class Permission:
    """One (purpose, controller) of a person; `expires_at` is the first moment it is no more."""

    purpose: str
    controller: str
    choice: Choice
    epoch: int
    channels: frozenset[str]
    expires_at: datetime | None
    basis: str


@dataclass(frozen=True, slots=True)
class PermissionSet:
    """A person's whole set at one serial; a row that is missing means no."""

    subject: str
    serial: int
    permissions: tuple[Permission, ...]
    flags: frozenset[Flag]
    closed_cases: frozenset[str] = frozenset()

    def find(self, purpose: str, controller: str) -> Permission | None:
        """The row of a purpose and a department, if the person ever said anything of it."""
        for permission in self.permissions:
            if (permission.purpose, permission.controller) == (purpose, controller):
                return permission
        return None
