"""The gate's rows, identity's word on them, and its leave to serve."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.notifications.domain.permission import PermissionSet


@dataclass(frozen=True, slots=True)
class Taken:
    """What a set of permissions did: the serial in force and the rows it ended."""

    subject: str
    serial: int
    ended: int


class Gate(Protocol):
    """The gate's own copy of permissions and flags."""

    async def take(self, sets: Sequence[PermissionSet]) -> list[Taken]:
        """Take the sets that are newer, and end the prompts whose permission they ended.

        When it answers, every claim and opening either committed before, or sees the new set.
        """

    async def serial(self, subject: str) -> int:
        """The serial in force; 0 for a person unknown here."""


class Permissions(Protocol):
    """Identity's word on permissions."""

    async def read(self, subjects: Sequence[str]) -> list[PermissionSet]:
        """The sets in force; raises PermissionsUnavailable."""


class LeaseRefused(Exception):
    """Identity does not know the lease any more."""


class Leases(Protocol):
    """Identity's leave to serve; raises PermissionsUnavailable when it does not answer in time."""

    async def register(self, seconds: float) -> float:
        """Ask for a lease for at most that time; answers its length in seconds."""

    async def renew(self, seconds: float) -> float:
        """Ask for the lease to live on; answers its length in seconds. Raises LeaseRefused."""
