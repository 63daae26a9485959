"""Events as they were resolved and the cases they opened, in PostgreSQL."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from services.identity.adapters.postgres_subjects import PostgresSubjects, take_locks
from services.identity.domain.child_case import Case, Sketch
from services.identity.domain.life_event import LifeEvent, Reason
from services.identity.domain.resolution import Resolution, ResolvedPerson
from services.identity.ports import FieldFed, Opened, Superseded
from services.kit.postgres import Connection

# Somebody else's word that this event is void, which came before it, is no word.
_RESOLVED: Final = """
    WITH disowned AS (
        DELETE FROM superseded_events WHERE event_id = %s AND (type, publisher) <> (%s, %s))
    SELECT event_id, type, publisher, case_id, answer FROM resolved_events WHERE event_id = ANY(%s)
"""
_SUPERSEDE: Final = """
    INSERT INTO superseded_events (event_id, by_event_id, type, publisher, cancelled)
    VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
# Registers name the entry that was cancelled, or the cancellation.
_RESTORE: Final = """
    UPDATE superseded_events SET in_force = false
    WHERE cancelled AND publisher = %(publisher)s
        AND (event_id = %(before)s OR by_event_id = %(before)s)
"""
_CASES: Final = """
    SELECT c.case_id, c.kind, c.anchor, c.birth_date, c.sex, c.forename_hmac,
        ARRAY(SELECT m.handle FROM case_members m WHERE m.case_id = c.case_id)
    FROM cases c
    WHERE c.case_id = %(case_id)s OR c.anchor = ANY(%(handles)s) OR c.case_id IN (
        SELECT m.case_id FROM case_members m WHERE m.handle = ANY(%(handles)s))
"""
_SAVE_CASE: Final = """
    WITH opened AS (
        INSERT INTO cases (case_id, kind, anchor, birth_date, sex, forename_hmac, created_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING)
    INSERT INTO case_members (case_id, handle)
    SELECT %s, handle FROM unnest(%s::text[]) AS handle ON CONFLICT DO NOTHING
"""
_FEED: Final = """
    INSERT INTO record_fields (handle, field, source_event, value, controller, occurred,
        registered_at, recorded_at, lawful_basis)
    SELECT handle, field, %s, value, %s, %s, %s, %s, %s
    FROM unnest(%s::text[], %s::text[], %s::jsonb[]) AS fed (handle, field, value)
"""
_CONCERN: Final = """
    INSERT INTO subject_events (handle, event_id, type)
    SELECT handle, %s, %s FROM unnest(%s::text[]) AS handle
"""
_ANSWER: Final = """
    INSERT INTO resolved_events (event_id, type, publisher, case_id, answer, resolved_at)
    VALUES (%s, %s, %s, %s, %s, %s)
"""


class PostgresEvents:
    """The port EventRows on one connection's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def open(self, event: LifeEvent, digests: Sequence[bytes]) -> Opened:
        """One round trip: the locks, then what stands there once they are held."""
        events = [each for each in (event.event_id, event.supersedes) if each]
        locks = [*(hashlib.sha256(each.encode()).digest() for each in events), *digests]
        await take_locks(self._connection, locks)
        about = [event.event_id, event.type, event.publisher, events]
        cursor = await self._connection.execute(_RESOLVED, about)
        known = await PostgresSubjects(self._connection).known(digests)
        rows = {row[0]: row[1:] for row in await cursor.fetchall()}
        answered, before = rows.get(event.event_id), rows.get(event.supersedes)
        return Opened(
            answer=_resolution(answered[3]) if answered else None,
            known=known,
            superseded=Superseded(*before[:3]) if before else None,
        )

    async def supersede(self, event: LifeEvent) -> None:
        """The row stands whether or not the event before has come yet."""
        cancelled = event.reason is Reason.CANCELLED
        row = [event.supersedes, event.event_id, event.type, event.publisher, cancelled]
        await self._connection.execute(_SUPERSEDE, row)

    async def restore(self, event: LifeEvent) -> None:
        """The cancellation stays on record, out of force."""
        values = {"publisher": event.publisher, "before": event.supersedes}
        await self._connection.execute(_RESTORE, values)

    async def cases(self, handles: Sequence[str], case_id: str) -> list[Case]:
        """The second level of locks: whoever waits here holds all of the first that they need."""
        digests = [hashlib.sha256(f"case {handle}".encode()).digest() for handle in handles]
        await take_locks(self._connection, digests)
        values = {"case_id": case_id, "handles": list(handles)}
        cursor = await self._connection.execute(_CASES, values)
        return [
            Case(row[0], row[1], row[2], Sketch(row[3], row[4], row[5]), frozenset(row[6]))
            for row in await cursor.fetchall()
        ]

    async def save_case(self, case: Case, at: datetime) -> None:
        """A case that stands already gets the members it did not have."""
        sketch = case.sketch
        row = [case.case_id, case.kind, case.anchor]
        row_sketch = [sketch.birth_date, sketch.sex, sketch.forename_digest]
        members = [case.case_id, sorted(case.members)]
        await self._connection.execute(_SAVE_CASE, [*row, *row_sketch, at, *members])

    async def feed(
        self, fed: Sequence[FieldFed], *, event: LifeEvent, lawful_basis: str, at: datetime
    ) -> None:
        """One statement however many fields."""
        if fed:
            about = [event.event_id, event.publisher, event.occurred, event.registered_at]
            columns = zip(*((f.handle, f.name, Jsonb(f.value)) for f in fed), strict=True)
            values = [*about, at, lawful_basis, *map(list, columns)]
            await self._connection.execute(_FEED, values)

    async def concern(self, event: LifeEvent, handles: Sequence[str]) -> None:
        """One statement however many people."""
        await self._connection.execute(_CONCERN, [event.event_id, event.type, list(handles)])

    async def answer(self, event: LifeEvent, resolution: Resolution, at: datetime) -> None:
        """The answer as it was given, in plain JSON."""
        about = [event.event_id, event.type, event.publisher, resolution.case_id]
        await self._connection.execute(_ANSWER, [*about, Jsonb(_json(resolution)), at])


def _json(resolution: Resolution) -> dict[str, Any]:
    return {
        "persons": [
            {
                "role": each.role,
                "subject": each.subject,
                "permission_serial": each.permission_serial,
                "age_years": each.age_years,
                "fulfilled_types": list(each.fulfilled_types),
                "record": dict(each.record),
            }
            for each in resolution.persons
        ],
        "case_id": resolution.case_id,
        "fenced": list(resolution.fenced),
    }


def _resolution(answer: dict[str, Any]) -> Resolution:
    persons = tuple(
        ResolvedPerson(**{**each, "fulfilled_types": tuple(each["fulfilled_types"])})
        for each in answer["persons"]
    )
    return Resolution(persons, answer["case_id"], tuple(answer["fenced"]))
