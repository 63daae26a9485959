"""Events as they were resolved and the cases they opened, in PostgreSQL."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncCursor
from psycopg.types.json import Jsonb

from services.identity.adapters.event_rows import (
    answered,
    case_row,
    minted_row,
    resolution_of,
    statement_of,
    told_row,
)
from services.identity.adapters.postgres_subjects import Locks, PostgresSubjects
from services.identity.domain.child_case import Case, Sketch
from services.identity.domain.entries import Entries
from services.identity.domain.entry import Placed, Statement
from services.identity.domain.life_event import LifeEvent
from services.identity.domain.resolution import Resolution
from services.identity.ports import News, Opened
from services.kit.postgres import Connection

Cursor = AsyncCursor[tuple[Any, ...]]

# What is named by one of the events, names it, or names the same as it does; and what entries hold.
_SAID: Final = """
    WITH asked AS (
        SELECT ARRAY(SELECT jsonb_array_elements_text(%s)) AS linked,
            ARRAY(SELECT jsonb_array_elements_text(%s)) AS entries
    ), meant AS (
        SELECT event_id FROM asked, resolved_events WHERE event_id = ANY(linked)
        UNION SELECT event_id FROM asked, resolved_events
        WHERE supersedes = ANY(linked) AND supersedes <> ''
        UNION SELECT event_id FROM asked, resolved_events
        WHERE entry_id = ANY(entries) AND entry_id <> ''
    )
    SELECT event_id, type, publisher, reason, supersedes, registered_at, sequence, position,
        coalesce(nullif(entry_id, ''), event_id), case_id, standing, root_event_id, answer
    FROM meant JOIN resolved_events USING (event_id)
"""
_JOIN: Final = """
    UPDATE resolved_events r SET entry_id = joined.entry_id
    FROM jsonb_each_text(%s) AS joined (event_id, entry_id)
    WHERE r.event_id = joined.event_id AND r.entry_id <> joined.entry_id
"""
_VOID: Final = """
    INSERT INTO void_events SELECT jsonb_array_elements_text(%s) ON CONFLICT DO NOTHING
"""
_IN_FORCE: Final = """
    DELETE FROM void_events WHERE event_id = ANY(ARRAY(SELECT jsonb_array_elements_text(%s)))
"""
_CASES: Final = """
    WITH people AS (SELECT ARRAY(SELECT jsonb_array_elements_text(%(handles)s)) AS handles),
    meant (case_id) AS (
        SELECT jsonb_array_elements_text(%(case_ids)s)
        UNION SELECT a.case_id FROM people, cases a WHERE a.anchor = ANY(people.handles)
        UNION SELECT m.case_id FROM people, case_members m WHERE m.handle = ANY(people.handles)
    )
    SELECT c.case_id, c.kind, c.anchor, c.birth_date, c.sex, c.forename_hmac,
        ARRAY(SELECT m.handle FROM case_members m WHERE m.case_id = c.case_id),
        EXISTS (SELECT FROM subject_identifiers i WHERE i.handle = c.anchor),
        ARRAY(
            SELECT DISTINCT f.event_id FROM flags f
            WHERE f.handle = c.anchor AND NOT EXISTS (
                SELECT FROM void_events v WHERE v.event_id = f.event_id)
        )
    FROM meant JOIN cases c USING (case_id) ORDER BY c.position
"""
# In one statement, because a short one costs more to send than to carry out.
_WRITE_DOWN: Final = """
    WITH subject AS (
        INSERT INTO subjects (handle, language, nation, created_at)
        SELECT handle, language, nation, %(at)s
        FROM jsonb_to_recordset(%(minted)s) AS minted (handle text, language text, nation text)
    ), identifier AS (
        INSERT INTO subject_identifiers (hmac, scheme, handle)
        SELECT decode(mark->>0, 'hex'), mark->>1, handle
        FROM jsonb_to_recordset(%(minted)s) AS minted (handle text, marks jsonb),
            jsonb_array_elements(marks) AS mark
    ), opened AS (
        INSERT INTO cases (case_id, kind, anchor, birth_date, sex, forename_hmac, created_at)
        SELECT case_id, kind, anchor, birth_date, sex, decode(forename_hmac, 'hex'), %(at)s
        FROM jsonb_to_recordset(%(cases)s) AS opened (case_id text, kind text, anchor text,
            birth_date text, sex text, forename_hmac text)
        ON CONFLICT DO NOTHING
    ), joined AS (
        INSERT INTO case_members (case_id, handle)
        SELECT case_id, handle
        FROM jsonb_to_recordset(%(cases)s) AS opened (case_id text, members jsonb),
            jsonb_array_elements_text(members) AS handle
        ON CONFLICT DO NOTHING
    ), told AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(%(told)s) AS told (event_id text, type text,
            publisher text, occurred text, registered_at timestamptz, basis text,
            fact_digest text, fields jsonb, concerned jsonb)
    ), concerned AS (
        INSERT INTO subject_events (event_id, type, handle, fact_digest)
        SELECT event_id, type, handle, decode(fact_digest, 'hex')
        FROM told, jsonb_array_elements_text(told.concerned) AS handle
    )
    INSERT INTO record_fields (handle, field, value, source_event, controller, occurred,
        registered_at, recorded_at, lawful_basis)
    SELECT fed->>0, fed->>1, fed->2, event_id, publisher, occurred, registered_at, %(at)s, basis
    FROM told, jsonb_array_elements(told.fields) AS fed
"""
_DOUBT: Final = """
    INSERT INTO doubtful_losses (noticed_at, event_id) SELECT %s, unnest(%s::text[])
    ON CONFLICT DO NOTHING
"""
_ANSWER: Final = """
    INSERT INTO resolved_events (resolved_at, event_id, type, publisher, reason, supersedes,
        registered_at, sequence, entry_id, case_id, standing, root_event_id, answer)
    SELECT %s, answered.* FROM jsonb_to_recordset(%s) AS answered (event_id text, type text,
        publisher text, reason text, supersedes text, registered_at timestamptz, sequence bigint,
        entry_id text, case_id text, standing text, root_event_id text, answer jsonb)
"""


class PostgresEvents:
    """The port EventRows on one connection's transaction."""

    def __init__(self, connection: Connection, locks: Locks) -> None:
        self._connection = connection
        self._locks = locks

    async def open(self, events: Sequence[LifeEvent], digests: Sequence[bytes]) -> Opened:
        """One round trip: the locks, then what stands there once they are held.

        More only for an entry of which something was said before: it has a lock of its own, behind
        which it may turn out to have grown.
        """
        linked = {each.event_id for each in events} | {each.supersedes for each in events} - {""}
        await self._locks.take([*map(_digest, linked), *digests])
        said = await self._said(linked, ())
        known = await PostgresSubjects(self._connection, self._locks).known(digests)
        rows = {row[0]: row for row in await said.fetchall()}
        new = [each for each in events if each.event_id not in rows]
        locked: set[str] = set()
        while (entries := _entries(new, rows)) - locked:
            await self._locks.take(_digest(f"entry {each}") for each in entries - locked)
            locked |= entries
            said = await self._said(linked, entries)
            rows = {row[0]: row for row in await said.fetchall()}
        own = (rows[each.event_id] for each in events if each.event_id in rows)
        return Opened(
            answers={row[0]: resolution_of(row) for row in own},
            known=known,
            statements=[statement_of(row) for row in rows.values()],
        )

    async def _said(self, linked: Iterable[str], entries: Iterable[str]) -> Cursor:
        return await self._connection.execute(_SAID, [Jsonb(list(linked)), Jsonb(list(entries))])

    async def place(self, placed: Sequence[Placed]) -> None:
        """Nothing to do for events that stand alone."""
        joined = [statement for each in placed for statement in each.joined]
        if not joined:
            return
        void = {event_id for each in placed for event_id in each.void}
        entries = {each.event_id: each.entry_id for each in joined}
        await self._connection.execute(_JOIN, [Jsonb(entries)])
        await self._connection.execute(_IN_FORCE, [Jsonb([i for i in entries if i not in void])])
        await self._connection.execute(_VOID, [Jsonb(list(void))])

    async def cases(self, handles: Sequence[str], case_ids: Sequence[str]) -> list[Case]:
        """The second level of locks: whoever waits here holds all of the first that they need."""
        await self._locks.take(_digest(f"case {handle}") for handle in handles)
        values = {"case_ids": Jsonb(case_ids), "handles": Jsonb(handles)}
        cursor = await self._connection.execute(_CASES, values)
        return [
            Case(
                *(row[0], row[1], row[2], Sketch(row[3], row[4], row[5])),
                *(frozenset(row[6]), row[7], frozenset(row[8])),
            )
            for row in await cursor.fetchall()
        ]

    async def write_down(self, news: News, at: datetime) -> None:
        """One statement however many; a case that stands gets the members it lacks."""
        values = {
            "at": at,
            "minted": Jsonb([minted_row(each) for each in news.minted]),
            "cases": Jsonb([case_row(each) for each in news.cases]),
            "told": Jsonb([told_row(each) for each in news.told]),
        }
        await self._connection.execute(_WRITE_DOWN, values)

    async def doubt(self, event_ids: Sequence[str], at: datetime) -> None:
        """Once for each, whoever notices first."""
        if event_ids:
            await self._connection.execute(_DOUBT, [at, list(event_ids)])

    async def answer(self, answers: Sequence[tuple[Statement, Resolution]], at: datetime) -> None:
        """The answers as they were given, in plain JSON."""
        rows = [answered(said, given) for said, given in answers]
        await self._connection.execute(_ANSWER, [at, Jsonb(rows)])


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _entries(new: Sequence[LifeEvent], rows: Mapping[str, Sequence[Any]]) -> set[str]:
    """The entries that new events are about, as far as is known."""
    if not rows:
        return set()
    entries = Entries(statement_of(row) for row in rows.values())
    return {entry_id for each in new for entry_id in entries.about(each)}
