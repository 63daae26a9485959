"""What the rules of admission need from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from services.events.domain.admission import Application, Assertion, Claim, Progress
from services.events.domain.attempt import Attempt
from services.events.domain.errors import EventsError
from services.events.domain.event_type import EventType
from services.events.domain.faults import Fault
from services.events.domain.life_event import Entry, LifeEvent, Resolution
from services.events.domain.publisher import Publisher


class Register(Protocol):
    """The catalogue as it is in force: event types, what is prohibited, and publishers."""

    def publisher(self, id: str) -> Publisher | None:  # noqa: A002  # the glossary's word
        """The publisher of that id."""

    def event_type(self, name: str) -> EventType | None:
        """The type of that name."""

    def event_types(self) -> Sequence[EventType]:
        """Every type, by name."""

    def is_prohibited(self, type_name: str) -> bool:
        """Whether events of that name may never be published."""

    def faults(
        self, event_type: EventType, body: Mapping[str, Any], *, sandbox: bool = False
    ) -> list[Fault]:
        """Where a body breaks the schema of its type; the sandbox takes never-issued numbers."""

    def schema(self, event_type: EventType) -> Mapping[str, Any]:
        """The JSON Schema that bodies of a type are held to."""

    def examples(self, event_type: EventType) -> Sequence[Mapping[str, Any]]:
        """The golden events of a type."""


class Admissions(Protocol):
    """Which assertions were used and which events were admitted. Raises StoreUnavailable."""

    async def spend(self, assertions: Sequence[Assertion]) -> list[bool]:
        """Use assertions up, no two of them the same; for each whether it was fresh."""

    async def apply(self, applications: Sequence[Application]) -> list[Claim]:
        """Use each one's assertion up and claim its event's key, in one step.

        No two of them are for the same key or with the same assertion. Where the assertion was used
        before, nothing is claimed.
        """

    async def settle(self, settled: Sequence[tuple[Application, int]], at: datetime) -> None:
        """The log has acknowledged every record of these events, so many of each."""

    async def let_go(self, applications: Sequence[Application]) -> None:
        """Give claims up, so that the next application need not wait for their lease."""

    async def progress(self, publisher: str, event_id: str) -> Progress | None:
        """Where a publisher's own event stands."""

    async def forget_expired(self, before: datetime) -> int:
        """Forget assertions that nobody can use any more; how many."""

    async def mark_decided(self, marks: Sequence[tuple[str, bytes]]) -> None:
        """Count each (event id, person's mark) once."""


class Subjects(Protocol):
    """Who people are."""

    async def resolve(
        self, events: Sequence[LifeEvent], traceparents: Sequence[str]
    ) -> list[Resolution | EventsError]:
        """The handles of the persons each event concerns; what it fences has gone silent by then.

        No event twice; an event whose type fences comes alone. Raises nothing for an event.
        """


class AccessLog(Protocol):
    """What people can see of who tried to use their data."""

    async def write_down(self, attempts: Sequence[Attempt]) -> None:
        """Write refused attempts down for whoever they named; raises IdentityUnavailable.

        It takes as long, and says as little, whether anybody named is known or not.
        """


class EventLog(Protocol):
    """The log of life events."""

    async def append(self, entries: Sequence[Entry]) -> list[int | EventsError]:
        """Write one record a concerned person and wait until each is acknowledged.

        For each event how many, or LogUnavailable.
        """


@dataclass(frozen=True)
class Beyond:
    """What an admitted event goes on to."""

    subjects: Subjects
    log: EventLog
