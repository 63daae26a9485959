"""What lies behind the door for sandbox events: simulated people, and no log but a table."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from psycopg_pool import AsyncConnectionPool

from services.events.adapters.postgres_admissions import cursor_of
from services.events.domain.admission import mark_of
from services.events.domain.errors import EventsError, StoreUnavailable
from services.events.domain.event_type import EventType
from services.events.domain.life_event import Entry, LifeEvent, Resolution, ResolvedPerson
from services.events.domain.simulation import outcome_of

# Nobody decides about them, so they are decided at once.
_APPEND: Final = """
    WITH told AS (
        SELECT * FROM unnest(
            %(event_ids)s::text[], %(roles)s::text[], %(outcomes)s::text[], %(marks)s::bytea[]
        ) AS t (event_id, role, outcome, mark)
    ), simulated AS (
        INSERT INTO simulations (event_id, role, outcome)
        SELECT event_id, role, outcome FROM told
        ON CONFLICT DO NOTHING
    )
    INSERT INTO decided (event_id, mark)
    SELECT event_id, mark FROM told
    ON CONFLICT DO NOTHING
"""


class Sandbox:
    """Takes the places of identity and of the log, and asks and tells neither."""

    def __init__(
        self, pool: AsyncConnectionPool, event_type: Callable[[str], EventType | None]
    ) -> None:
        self._pool = pool
        self._event_type = event_type

    async def resolve(
        self,
        events: Sequence[LifeEvent],
        traceparents: Sequence[str],  # noqa: ARG002  # the port's; nobody is asked
    ) -> list[Resolution | EventsError]:
        """A handle that is nobody's for each person an event concerns; nothing is fenced."""
        return [Resolution(tuple(self._concerned(event)), case_id="") for event in events]

    async def append(self, entries: Sequence[Entry]) -> list[int | EventsError]:
        """Keep what would have become of each person; how many an event has."""
        rows = [row for entry in entries for row in _rows(entry)]
        names = ("event_ids", "roles", "outcomes", "marks")
        try:
            async with cursor_of(self._pool) as cursor:
                columns = zip(*rows, strict=True) if rows else ((),) * len(names)
                values = {name: list(each) for name, each in zip(names, columns, strict=True)}
                await cursor.execute(_APPEND, values)
        except StoreUnavailable as unavailable:
            return [unavailable for _ in entries]
        return [len(entry.resolution.persons) for entry in entries]

    def _concerned(self, event: LifeEvent) -> Iterator[ResolvedPerson]:
        event_type = self._event_type(event.type)
        roles = event_type.roles if event_type is not None else {}
        for person in event.persons:
            role = roles.get(person.role)
            if role is not None and role.concerned:
                yield _nobody(event.event_id, person.role)


def _nobody(event_id: str, role: str) -> ResolvedPerson:
    # No handle has this form, so that one can never be taken for the other.
    return ResolvedPerson(
        role=role,
        subject=f"sandbox|{event_id}|{role}",
        permission_serial=0,
        age_years=None,
        fulfilled_types=(),
        record={},
    )


def _rows(entry: Entry) -> Iterator[tuple[str, str, str, bytes]]:
    event = entry.event
    outcomes = {person.role: outcome_of(person) for person in event.persons}
    for person in entry.resolution.persons:
        mark = mark_of(event.event_id, person.subject)
        yield event.event_id, person.role, str(outcomes[person.role]), mark
