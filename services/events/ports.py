"""What the rules of admission need from outside."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from services.events.domain.admission import Application, Assertion, Claim, Progress
from services.events.domain.event_type import EventType
from services.events.domain.faults import Fault
from services.events.domain.life_event import LifeEvent, Resolution
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

    def faults(self, event_type: EventType, body: Mapping[str, Any]) -> list[Fault]:
        """Where a body breaks the schema of its type."""

    def schema(self, event_type: EventType) -> Mapping[str, Any]:
        """The JSON Schema that bodies of a type are held to."""

    def examples(self, event_type: EventType) -> Sequence[Mapping[str, Any]]:
        """The golden events of a type."""


class Admissions(Protocol):
    """Which assertions were used and which events were admitted. Raises StoreUnavailable."""

    async def spend(self, assertion: Assertion) -> None:
        """Use an assertion up; raises NotAuthenticated when it was used before."""

    async def apply(self, assertion: Assertion, application: Application) -> Claim:
        """Use the assertion up and claim the event's key, in one step.

        Raises NotAuthenticated when the assertion was used before; then nothing is claimed.
        """

    async def settle(self, application: Application, records: int, at: datetime) -> None:
        """The log has acknowledged every record of the event."""

    async def let_go(self, assertion: Assertion, application: Application) -> None:
        """Give a claim up, so that the next application need not wait for its lease."""

    async def progress(self, publisher: str, event_id: str) -> Progress | None:
        """Where a publisher's own event stands."""

    async def forget_expired(self, before: datetime) -> int:
        """Forget assertions that nobody can use any more; how many."""

    async def mark_decided(self, marks: Sequence[tuple[str, bytes]]) -> None:
        """Count each (event id, person's mark) once."""


class Subjects(Protocol):
    """Who people are. Raises IdentityUnavailable or FenceOutstanding."""

    async def resolve(self, event: LifeEvent) -> Resolution:
        """The handles of the persons an event concerns; what it fences has gone silent by then."""


class EventLog(Protocol):
    """The log of life events. Raises LogUnavailable."""

    async def append(
        self,
        event: LifeEvent,
        facts: Mapping[str, Any],
        resolution: Resolution,
        recorded_at: datetime,
    ) -> int:
        """Write one record a concerned person and wait until each is acknowledged; how many."""
