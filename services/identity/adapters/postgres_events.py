"""Events as they were resolved and the cases they opened, in PostgreSQL."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from services.identity.adapters.postgres_subjects import Locks, PostgresSubjects
from services.identity.domain.child_case import Case, Sketch
from services.identity.domain.life_event import LifeEvent, Reason
from services.identity.domain.resolution import Resolution, ResolvedPerson
from services.identity.ports import Opened, Superseded, Told
from services.kit.postgres import Connection

_RESOLVED: Final = """
    SELECT event_id, type, publisher, case_id, answer FROM resolved_events WHERE event_id = ANY(%s)
"""
# Somebody else's word that this event is void, which came before it, is no word.
_DISOWN: Final = """
    DELETE FROM superseded_events s
    USING unnest(%s::text[], %s::text[], %s::text[]) AS own (event_id, type, publisher)
    WHERE s.event_id = own.event_id AND (s.type, s.publisher) <> (own.type, own.publisher)
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
    WHERE c.case_id = ANY(%(case_ids)s) OR c.anchor = ANY(%(handles)s) OR c.case_id IN (
        SELECT m.case_id FROM case_members m WHERE m.handle = ANY(%(handles)s))
"""
_SAVE_CASES: Final = """
    INSERT INTO cases (case_id, kind, anchor, birth_date, sex, forename_hmac, created_at)
    SELECT opened.*, %s
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bytea[]) AS opened
    ON CONFLICT DO NOTHING
"""
_SAVE_MEMBERS: Final = """
    INSERT INTO case_members (case_id, handle)
    SELECT * FROM unnest(%s::text[], %s::text[]) ON CONFLICT DO NOTHING
"""
_FEED: Final = """
    INSERT INTO record_fields (recorded_at, source_event, controller, occurred, registered_at,
        lawful_basis, handle, field, value)
    SELECT %s, fed.* FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[],
        %s::text[], %s::text[], %s::jsonb[]) AS fed
"""
_CONCERN: Final = """
    INSERT INTO subject_events (event_id, type, handle)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
"""
_ANSWER: Final = """
    INSERT INTO resolved_events (resolved_at, event_id, type, publisher, case_id, answer)
    SELECT %s, answered.*
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::jsonb[]) AS answered
"""


class PostgresEvents:
    """The port EventRows on one connection's transaction."""

    def __init__(self, connection: Connection, locks: Locks) -> None:
        self._connection = connection
        self._locks = locks

    async def open(self, events: Sequence[LifeEvent], digests: Sequence[bytes]) -> Opened:
        """One round trip: the locks, then what stands there once they are held."""
        own = {each.event_id for each in events}
        linked = {*own, *(each.supersedes for each in events)} - {""}
        locks = [*(hashlib.sha256(each.encode()).digest() for each in linked), *digests]
        await self._locks.take(locks)
        cursor = await self._connection.execute(_RESOLVED, [sorted(linked)])
        known = await PostgresSubjects(self._connection, self._locks).known(digests)
        rows = await cursor.fetchall()
        return Opened(
            answers={row[0]: _resolution(row[4]) for row in rows if row[0] in own},
            known=known,
            superseded={row[0]: Superseded(*row[1:4]) for row in rows},
        )

    async def disown(self, events: Sequence[LifeEvent]) -> None:
        """One statement however many events."""
        columns = _columns([(each.event_id, each.type, each.publisher) for each in events])
        await self._connection.execute(_DISOWN, columns)

    async def supersede(self, event: LifeEvent) -> None:
        """The row stands whether or not the event before has come yet."""
        cancelled = event.reason is Reason.CANCELLED
        row = [event.supersedes, event.event_id, event.type, event.publisher, cancelled]
        await self._connection.execute(_SUPERSEDE, row)

    async def restore(self, event: LifeEvent) -> None:
        """The cancellation stays on record, out of force."""
        values = {"publisher": event.publisher, "before": event.supersedes}
        await self._connection.execute(_RESTORE, values)

    async def cases(self, handles: Sequence[str], case_ids: Sequence[str]) -> list[Case]:
        """The second level of locks: whoever waits here holds all of the first that they need."""
        digests = [hashlib.sha256(f"case {handle}".encode()).digest() for handle in handles]
        await self._locks.take(digests)
        values = {"case_ids": list(case_ids), "handles": list(handles)}
        cursor = await self._connection.execute(_CASES, values)
        return [
            Case(row[0], row[1], row[2], Sketch(row[3], row[4], row[5]), frozenset(row[6]))
            for row in await cursor.fetchall()
        ]

    async def save_cases(self, cases: Sequence[Case], at: datetime) -> None:
        """Two statements however many cases; one that stands already gets the members it lacks."""
        if not cases:
            return
        opened = [
            (
                *(each.case_id, each.kind, each.anchor),
                *(each.sketch.birth_date, each.sketch.sex, each.sketch.forename_digest),
            )
            for each in cases
        ]
        await self._connection.execute(_SAVE_CASES, [at, *_columns(opened)])
        members = [(each.case_id, handle) for each in cases for handle in sorted(each.members)]
        if members:
            await self._connection.execute(_SAVE_MEMBERS, _columns(members))

    async def tell(self, told: Sequence[Told], at: datetime) -> None:
        """Two statements however many events, people and fields."""
        fed, concerned = [], []
        for each in told:
            event = each.event
            about = (event.event_id, event.publisher, event.occurred, event.registered_at)
            fed += [
                (*about, each.lawful_basis, field.handle, field.name, Jsonb(field.value))
                for field in each.fields
            ]
            concerned += [(event.event_id, event.type, handle) for handle in each.concerned]
        if fed:
            await self._connection.execute(_FEED, [at, *_columns(fed)])
        if concerned:
            await self._connection.execute(_CONCERN, _columns(concerned))

    async def answer(self, answers: Sequence[tuple[LifeEvent, Resolution]], at: datetime) -> None:
        """The answers as they were given, in plain JSON."""
        rows = [
            (event.event_id, event.type, event.publisher, given.case_id, Jsonb(_json(given)))
            for event, given in answers
        ]
        await self._connection.execute(_ANSWER, [at, *_columns(rows)])


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows as the arrays that one statement writes them from."""
    return list(map(list, zip(*rows, strict=True)))


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
