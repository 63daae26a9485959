"""What deciding needs from outside, and what it is from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.nudges.domain.decision import Decision
from services.nudges.domain.life_event import LifeEvent
from services.nudges.domain.nudge import Catalogue
from services.nudges.domain.permission import PermissionSet


class PoisonReason(StrEnum):
    """Why a record can never be decided; the reason its dead letter carries."""

    DECODE = "decode"
    EMPTY = "empty"
    UNEXPECTED_TOMBSTONE = "unexpected_tombstone"
    HEADERS = "headers"
    KEY_MISMATCH = "key_mismatch"
    SCHEMA_FUTURE = "schema_future"


@dataclass(frozen=True, slots=True)
class Written:
    """A record as it goes out."""

    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """A record's decision, and the record that carries it."""

    decision: Decision
    written: Written


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record that can never be decided."""

    reason: PoisonReason


RecordOutcome = Decided | SetAside


class Contract(Protocol):
    """How records are read and decisions written; both total."""

    def read(self, value: bytes) -> LifeEvent | PoisonReason:
        """The life event in a record's value, or why there is none."""

    def write(self, decision: Decision) -> Written:
        """A decision as a record; the same decision is always the same bytes."""


class PermissionSets(Protocol):
    """What people permit, as new as it must be."""

    async def at_least(self, serials: Mapping[str, int]) -> Mapping[str, PermissionSet]:
        """The set of each handle, none older than the serial asked for.

        A handle nobody knows has an empty set. Raises PermissionsUnavailable while nobody can say;
        asking again may help.
        """


class CatalogueInForce(Protocol):
    """The catalogue as it stands now; it may change between two chunks, never within one."""

    def __call__(self) -> Catalogue:
        """The catalogue."""


class ProcessChunk(Protocol):
    """The whole of this service, as a transport sees it."""

    async def __call__(self, values: Sequence[bytes], now: datetime) -> list[RecordOutcome]:
        """One outcome for each value, in their order.

        Raises PermissionsUnavailable, in which case nothing was decided and the same chunk may be
        given again.
        """
