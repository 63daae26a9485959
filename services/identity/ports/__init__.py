"""What the rules of identity need from outside."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from services.identity.domain.child_case import Case
from services.identity.domain.entry import Placed, Statement
from services.identity.domain.identifier import Fingerprint
from services.identity.domain.life_event import LifeEvent
from services.identity.domain.permission import Flag, Outcome, PermissionSet
from services.identity.domain.permission_history import Entry
from services.identity.domain.resolution import Profile, Resolution
from services.identity.ports.access import AccessRows

NewId = Callable[[], str]
Pause = Callable[[float], Awaitable[None]]


class Clock(Protocol):
    """The time, for what waits and so cannot be given it once."""

    def now(self) -> datetime:
        """The current instant, aware."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""


@dataclass(frozen=True)
class SubjectRow:
    """A person to be written down, whom nobody knew."""

    handle: str = field(repr=False)
    language: str
    nation: str
    fingerprints: tuple[Fingerprint, ...] = ()


@dataclass(frozen=True)
class Opened:
    """What is known when events begin to be resolved.

    Answers of before by event id, whom digests mean, and all that was said of the same entries.
    """

    answers: Mapping[str, Resolution]
    known: Mapping[bytes, str] = field(repr=False)
    statements: Sequence[Statement]


@dataclass(frozen=True)
class FieldFed:
    """A field of a personal record and the value an event gives it."""

    handle: str = field(repr=False)
    name: str
    value: Any = field(repr=False)


@dataclass(frozen=True)
class Told:
    """What an event leaves behind: values by person and record field, and whom it concerns."""

    event: LifeEvent
    lawful_basis: str
    fields: Mapping[tuple[str, str], Any] = field(repr=False)
    concerned: tuple[str, ...] = field(repr=False)
    fact_digest: bytes | None = field(repr=False)


@dataclass(frozen=True)
class News:
    """What some events bring: people nobody knew, cases as they are now, and facts."""

    minted: Sequence[SubjectRow]
    cases: Sequence[Case]
    told: Sequence[Told]


@dataclass(frozen=True)
class Asking:
    """Whose profile is asked for, by which event, and whether its fact was told before."""

    handle: str = field(repr=False)
    event_id: str
    fact_digest: bytes | None = field(repr=False)


@dataclass(frozen=True)
class FlagRow:
    """A flag on a person, and the event that says so."""

    handle: str = field(repr=False)
    flag: Flag
    event_id: str


class SubjectRows(Protocol):
    """People and the identifiers that lead to them; part of one transaction."""

    async def lock_known(self, digests: Sequence[bytes]) -> dict[bytes, str]:
        """Handles by digest; holds others off these digests until the transaction ends."""

    async def add(self, rows: Sequence[SubjectRow], at: datetime) -> None:
        """Write new people and their identifiers down."""

    async def bind(self, handle: str, fingerprints: Sequence[Fingerprint]) -> None:
        """Let identifiers nobody had lead to a known person."""

    async def settle(self, handle: str, language: str, nation: str) -> None:
        """Note where a known person lives and which language they read."""

    async def tell(self, told: Sequence[FieldFed], at: datetime) -> None:
        """Write down what an operator says of a person, in place of what was said before."""

    async def signed_in(self, issuer: str, sub: str) -> str | None:
        """Whose sign-in account it is."""

    async def bind_sign_in(self, issuer: str, sub: str, handle: str) -> bool:
        """Bind an account to a person; False when either is bound otherwise."""

    async def profiles(self, asking: Sequence[Asking], fields: Sequence[str]) -> dict[str, Profile]:
        """What is known of people by handle; no type is fulfilled by the event that asks."""


class EventRows(Protocol):
    """Events as they were resolved, and what they left behind; part of one transaction."""

    async def open(self, events: Sequence[LifeEvent], digests: Sequence[bytes]) -> Opened:
        """Hold others off the events, their entries and the digests; look all up."""

    async def place(self, placed: Sequence[Placed]) -> None:
        """Note which statements belong together, and whose facts count."""

    async def cases(self, handles: Sequence[str], case_ids: Sequence[str]) -> list[Case]:
        """The cases that join any of the people or are about one of them, and those named.

        Holds others off the people's cases until the transaction ends.
        """

    async def write_down(self, news: News, at: datetime) -> None:
        """Write down people, cases or new members of them, record fields and whose types are so."""

    async def doubt(self, event_ids: Sequence[str], at: datetime) -> None:
        """Note that these losses may be about more than one child."""

    async def answer(self, answers: Sequence[tuple[Statement, Resolution]], at: datetime) -> None:
        """Keep the answers, so that the same event is always answered the same."""


@dataclass(frozen=True)
class Effect:
    """Since when the end of a permission holds everywhere; None while it does not."""

    purpose: str
    controller: str
    took_effect_at: datetime | None


class PermissionRows(Protocol):
    """Permissions and flags; part of one transaction."""

    async def lock(self, handles: Sequence[str]) -> dict[str, PermissionSet]:
        """The sets of those who exist; nobody else changes them until the transaction ends."""

    async def read(self, handles: Sequence[str]) -> dict[str, PermissionSet]:
        """The sets as they stand now."""

    async def effects(self, handle: str) -> list[Effect]:
        """Since when the end of each permission of a person holds, where one has ended."""

    async def history(self, handle: str) -> list[Entry]:
        """Every change of a person's permissions, oldest first."""

    async def save(self, outcome: Outcome, at: datetime) -> None:
        """Rows, serial, history, the whole set for the log and the fence to come, in one."""

    async def flag(self, flags: Sequence[FlagRow]) -> None:
        """Mark people, each for as long as the row's event is in force."""

    async def touched(self, handles: Sequence[str], event_ids: Sequence[str]) -> list[str]:
        """Whose marks may change with those of these people and of those the events flagged.

        They themselves, and everyone whom a case about one of them joins; in order.
        """


class Transaction(Protocol):
    """Everything or nothing."""

    @property
    def subjects(self) -> SubjectRows:
        """People."""

    @property
    def events(self) -> EventRows:
        """Events."""

    @property
    def permissions(self) -> PermissionRows:
        """Permissions."""

    @property
    def access(self) -> AccessRows:
        """Lines of access logs."""


class Store(Protocol):
    """Where the truth of identity lives; every method may raise StoreUnavailable."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """One transaction: committed at the end, rolled back by an exception."""

    async def took_effect_at(self, handle: str, purpose: str, controller: str) -> datetime | None:
        """When the end of a permission held everywhere; None while it does not."""

    async def due(self, now: datetime, limit: int) -> list[str]:
        """People with a permission whose time is over and not counted yet."""

    async def doubtful_losses(self) -> list[str]:
        """The ids of losses in force that may be about more than one child."""

    async def sign_in(self, issuer: str, sub: str) -> tuple[str, str] | None:
        """Handle and language of the person an account is bound to."""


@dataclass(frozen=True)
class EnforcementPoint:
    """A process that streams or opens content, known by the id it made when it started."""

    instance: str
    address: str


@dataclass(frozen=True)
class FenceGoal:
    """A set that must hold everywhere; `serial` names the fence, the set may be newer."""

    serial: int
    permissions: PermissionSet


class FenceBook(Protocol):
    """Which fences are asked for and who has a lease, by the database's clock alone."""

    async def pending(self, handle: str) -> FenceGoal | None:
        """The person's fence that does not hold everywhere yet."""

    async def pending_handles(self, limit: int) -> list[str]:
        """People with a pending fence, longest first."""

    async def live_points(self) -> list[EnforcementPoint]:
        """The processes whose lease has not run out."""

    async def complete(self, handle: str, serial: int, at: datetime) -> None:
        """The fence holds everywhere, unless a newer one was asked for meanwhile."""

    async def register(self, point: EnforcementPoint) -> None:
        """Give a process a lease from now on."""

    async def renew(self, instance: str) -> bool:
        """Prolong a lease; False when it has run out."""


class FenceCaller(Protocol):
    """The call to an enforcement point."""

    async def fence(self, address: str, permissions: PermissionSet, within_seconds: float) -> bool:
        """Whether the process confirmed in time that it holds the set or a newer one."""


class IdTokens(Protocol):
    """The identity provider's word."""

    async def subject_of(self, id_token: str, nonce: str) -> tuple[str, str]:
        """Issuer and sub; raises SignInRefused and ProviderUnavailable."""


class PersonTokens(Protocol):
    """The platform's own word about who is calling."""

    def token(self, handle: str, language: str, now: datetime) -> tuple[str, datetime]:
        """A person token and when it ends."""
