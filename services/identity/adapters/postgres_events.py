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
    SELECT event_id, type, publisher, case_id, answer FROM resolved_events
    WHERE event_id = ANY(ARRAY(SELECT jsonb_array_elements_text(%s)))
"""
# Somebody else's word that this event is void, which came before it, is no word.
_DISOWN: Final = """
    DELETE FROM superseded_events s
    USING jsonb_to_recordset(%s) AS own (event_id text, type text, publisher text)
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
    WITH people AS (SELECT ARRAY(SELECT jsonb_array_elements_text(%(handles)s)) AS handles),
    meant (case_id) AS (
        SELECT jsonb_array_elements_text(%(case_ids)s)
        UNION SELECT a.case_id FROM people, cases a WHERE a.anchor = ANY(people.handles)
        UNION SELECT m.case_id FROM people, case_members m WHERE m.handle = ANY(people.handles)
    )
    SELECT c.case_id, c.kind, c.anchor, c.birth_date, c.sex, c.forename_hmac,
        ARRAY(SELECT m.handle FROM case_members m WHERE m.case_id = c.case_id)
    FROM meant JOIN cases c USING (case_id)
"""
_SAVE_CASES: Final = """
    INSERT INTO cases (case_id, kind, anchor, birth_date, sex, forename_hmac, created_at)
    SELECT case_id, kind, anchor, birth_date, sex, decode(forename_hmac, 'hex'), %s
    FROM jsonb_to_recordset(%s) AS opened (case_id text, kind text, anchor text,
        birth_date text, sex text, forename_hmac text)
    ON CONFLICT DO NOTHING
"""
_SAVE_MEMBERS: Final = """
    INSERT INTO case_members (case_id, handle)
    SELECT * FROM jsonb_to_recordset(%s) AS joined (case_id text, handle text)
    ON CONFLICT DO NOTHING
"""
_FEED: Final = """
    INSERT INTO record_fields (recorded_at, source_event, controller, occurred, registered_at,
        lawful_basis, handle, field, value)
    SELECT %s, fed.* FROM jsonb_to_recordset(%s) AS fed (event_id text, publisher text,
        occurred text, registered_at timestamptz, basis text, handle text, field text, value jsonb)
"""
_CONCERN: Final = """
    INSERT INTO subject_events (event_id, type, handle)
    SELECT * FROM jsonb_to_recordset(%s) AS concerned (event_id text, type text, handle text)
"""
_ANSWER: Final = """
    INSERT INTO resolved_events (resolved_at, event_id, type, publisher, case_id, answer)
    SELECT %s, answered.* FROM jsonb_to_recordset(%s) AS answered (event_id text, type text,
        publisher text, case_id text, answer jsonb)
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
        cursor = await self._connection.execute(_RESOLVED, [Jsonb(list(linked))])
        known = await PostgresSubjects(self._connection, self._locks).known(digests)
        rows = await cursor.fetchall()
        return Opened(
            answers={row[0]: _resolution(row[4]) for row in rows if row[0] in own},
            known=known,
            superseded={row[0]: Superseded(*row[1:4]) for row in rows},
        )

    async def disown(self, events: Sequence[LifeEvent]) -> None:
        """One statement however many events."""
        own = [
            {"event_id": each.event_id, "type": each.type, "publisher": each.publisher}
            for each in events
        ]
        await self._connection.execute(_DISOWN, [Jsonb(own)])

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
        values = {"case_ids": Jsonb(case_ids), "handles": Jsonb(handles)}
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
            {
                "case_id": each.case_id,
                "kind": each.kind,
                "anchor": each.anchor,
                "birth_date": each.sketch.birth_date,
                "sex": each.sketch.sex,
                "forename_hmac": (each.sketch.forename_digest or b"").hex() or None,
            }
            for each in cases
        ]
        await self._connection.execute(_SAVE_CASES, [at, Jsonb(opened)])
        joined = [
            {"case_id": each.case_id, "handle": handle} for each in cases for handle in each.members
        ]
        await self._connection.execute(_SAVE_MEMBERS, [Jsonb(joined)])

    async def tell(self, told: Sequence[Told], at: datetime) -> None:
        """Two statements however many events, people and fields."""
        fed, concerned = [], []
        for each in told:
            event = each.event
            about = {
                "event_id": event.event_id,
                "publisher": event.publisher,
                "occurred": event.occurred,
                "basis": each.lawful_basis,
                "registered_at": event.registered_at.isoformat(),
            }
            fed += [
                {**about, "handle": field.handle, "field": field.name, "value": field.value}
                for field in each.fields
            ]
            concerned += [
                {"event_id": event.event_id, "type": event.type, "handle": handle}
                for handle in each.concerned
            ]
        if fed:
            await self._connection.execute(_FEED, [at, Jsonb(fed)])
        if concerned:
            await self._connection.execute(_CONCERN, [Jsonb(concerned)])

    async def answer(self, answers: Sequence[tuple[LifeEvent, Resolution]], at: datetime) -> None:
        """The answers as they were given, in plain JSON."""
        rows = [
            {
                "event_id": event.event_id,
                "type": event.type,
                "publisher": event.publisher,
                "case_id": given.case_id,
                "answer": _json(given),
            }
            for event, given in answers
        ]
        await self._connection.execute(_ANSWER, [at, Jsonb(rows)])


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
