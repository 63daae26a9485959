"""The access log, in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from services.identity.adapters.postgres_pool import Pool, connection
from services.identity.domain.access_line import AccessLine, Action, Reader, ReaderKind
from services.identity.domain.identifier import SCHEMES
from services.identity.ports.access import Attempted, Page
from services.kit.postgres import Connection

_COLUMNS: Final = sql.SQL("""
    id, at, subject, reader_kind, reader, action, purpose, lawful_basis, fields, event_id,
    prompt_id, trace_id, reason
""")
_TYPED: Final = sql.SQL("""
    id text, at timestamptz, subject text, reader_kind text, reader text, action text, purpose text,
    lawful_basis text, fields text[], event_id text, prompt_id text, trace_id text, reason text
""")
_ADD: Final = sql.SQL("""
    INSERT INTO access_lines ({columns})
    SELECT {columns} FROM jsonb_to_recordset(%s) AS line ({typed})
    ON CONFLICT DO NOTHING
""").format(columns=_COLUMNS, typed=_TYPED)
# A line for each person, known or not, in one statement: nobody can tell from the time it takes.
_ATTEMPT: Final = sql.SQL("""
    INSERT INTO access_lines ({columns})
    SELECT id, at, coalesce((
            SELECT i.handle FROM jsonb_array_elements_text(line.marks) AS mark
                JOIN subject_identifiers i ON i.hmac = decode(mark, 'hex')
            ORDER BY array_position(%s::text[], i.scheme) LIMIT 1
        ), subject), reader_kind, reader, action, purpose, lawful_basis, fields, event_id,
        prompt_id, trace_id, reason
    FROM jsonb_to_recordset(%s) AS line ({typed}, marks jsonb)
    ON CONFLICT DO NOTHING
""").format(columns=_COLUMNS, typed=_TYPED)
_PAGE: Final = sql.SQL("""
    SELECT {columns} FROM access_lines
    WHERE subject = %s AND (at, id) < (coalesce(%s, 'infinity'::timestamptz), %s)
        AND NOT (%s AND reader_kind = 'person')
    ORDER BY at DESC, id DESC LIMIT %s
""").format(columns=_COLUMNS)
_FORGET: Final = """
    DELETE FROM access_lines WHERE (subject, at, id) IN (
        SELECT subject, at, id FROM access_lines WHERE at < %s ORDER BY at LIMIT %s
        FOR UPDATE SKIP LOCKED)
"""


class PostgresAccessRows:
    """The port AccessRows on one connection's transaction."""

    def __init__(self, current: Connection) -> None:
        self._connection = current

    async def add(self, lines: Sequence[AccessLine]) -> None:
        """Nothing is fetched: the statement travels with the transaction's end."""
        if lines:
            await self._connection.execute(_ADD, [Jsonb([_row(line) for line in lines])])

    async def add_attempts(self, attempted: Sequence[Attempted]) -> None:
        """The strongest scheme that leads to somebody decides whose line it is."""
        rows = [
            {**_row(each.line), "marks": [mark.digest.hex() for mark in each.fingerprints]}
            for each in attempted
        ]
        if rows:
            await self._connection.execute(_ATTEMPT, [list(SCHEMES), Jsonb(rows)])


class PostgresAccessLog:
    """The port AccessLog."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def lines(self, page: Page) -> list[AccessLine]:
        """A few steps on an index, unless somebody looks at themselves all day."""
        at, line_id = page.after or (None, "")
        values = [page.subject, at, line_id, page.others_only, page.limit]
        async with connection(self._pool) as current:
            rows = await (await current.execute(_PAGE, values)).fetchall()
        return [_line(row) for row in rows]

    async def forget(self, before: datetime, limit: int) -> int:
        """The oldest go first."""
        async with connection(self._pool) as current:
            return (await current.execute(_FORGET, [before, limit])).rowcount


def _row(line: AccessLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "at": line.at.isoformat(),
        "subject": line.subject,
        "reader_kind": line.reader.kind,
        "reader": line.reader.id,
        "action": line.action,
        "purpose": line.purpose,
        "lawful_basis": line.lawful_basis,
        "fields": line.fields,
        "event_id": line.event_id,
        "prompt_id": line.prompt_id,
        "trace_id": line.trace_id,
        "reason": line.reason,
    }


def _line(row: Sequence[Any]) -> AccessLine:
    line_id, at, subject, kind, reader, action, purpose, basis, fields, *rest = row
    event_id, prompt_id, trace_id, reason = rest
    return AccessLine(
        id=line_id,
        subject=subject,
        at=at,
        reader=Reader(ReaderKind(kind), reader),
        action=Action(action),
        purpose=purpose,
        lawful_basis=basis,
        fields=tuple(fields),
        event_id=event_id,
        prompt_id=prompt_id,
        trace_id=trace_id,
        reason=reason,
    )
