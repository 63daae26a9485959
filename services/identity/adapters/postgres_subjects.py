"""People and the identifiers that lead to them, in PostgreSQL."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from psycopg.types.json import Jsonb

from services.identity.domain.identifier import Fingerprint
from services.identity.domain.resolution import Profile
from services.identity.ports import Asking, FieldFed, SubjectRow
from services.kit.postgres import Connection

# A server holds some thousands of locks in all: a transaction that needs very many holds
# everybody off instead, which the others let it do by sharing the one lock that all of them take.
MANY_LOCKS: Final = 1_500
_LOCK: Final = """
    SELECT pg_advisory_xact_lock_shared(0)
    UNION ALL SELECT pg_advisory_xact_lock(key::bigint) FROM jsonb_array_elements_text(%s) AS key
"""
_LOCK_ALL: Final = "SELECT pg_advisory_xact_lock(0)"
_KNOWN: Final = """
    SELECT hmac, handle FROM subject_identifiers
    WHERE hmac = ANY(ARRAY(SELECT decode(hex, 'hex') FROM jsonb_array_elements_text(%s) AS hex))
"""
_ADD: Final = """
    INSERT INTO subjects (handle, language, nation, created_at)
    SELECT handle, language, nation, %s
    FROM jsonb_to_recordset(%s) AS fresh (handle text, language text, nation text)
"""
_BIND: Final = """
    INSERT INTO subject_identifiers (hmac, scheme, handle)
    SELECT decode(hmac, 'hex'), scheme, handle
    FROM jsonb_to_recordset(%s) AS bound (hmac text, scheme text, handle text)
"""
_TELL: Final = """
    INSERT INTO record_fields (handle, field, source_event, value, controller, occurred,
        registered_at, recorded_at, lawful_basis)
    SELECT handle, field, 'registration', value, 'operator', '', %s, %s, 'public_task'
    FROM jsonb_to_recordset(%s) AS told (handle text, field text, value jsonb)
    ON CONFLICT (handle, field, source_event) DO UPDATE
        SET value = excluded.value, registered_at = excluded.registered_at,
            recorded_at = excluded.recorded_at
        WHERE record_fields.value <> excluded.value
"""
_BIND_SIGN_IN: Final = """
    INSERT INTO sign_ins (issuer, sub, handle) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
_SIGNED_IN: Final = "SELECT handle FROM sign_ins WHERE issuer = %s AND sub = %s"

# However long a life is, a few steps on an index for each type that was ever told of somebody, and
# for each field asked for: with EXISTS in its place the LIMIT would be a join that reads everything
# ever told. Of several sources of a field the one that wrote it down last is
# believed. Hardly anything is told twice: to look first costs less than to gather nothing.
_PROFILES: Final = """
    SELECT s.handle, s.serial,
        ARRAY(
            WITH RECURSIVE told (type) AS (
                SELECT min(e.type) FROM subject_events e WHERE e.handle = s.handle
                UNION ALL
                SELECT (SELECT min(e.type) FROM subject_events e
                    WHERE e.handle = s.handle AND e.type > told.type)
                FROM told WHERE told.type IS NOT NULL
            )
            SELECT told.type FROM told
            WHERE (
                SELECT true FROM subject_events e
                WHERE e.handle = s.handle AND e.type = told.type AND e.event_id <> asking.event_id
                    AND NOT EXISTS (SELECT FROM void_events v WHERE v.event_id = e.event_id)
                LIMIT 1)
            ORDER BY told.type
        ),
        (
            SELECT jsonb_object_agg(asked.field, latest.value)
            FROM unnest(%s::text[]) AS asked (field), LATERAL (
                SELECT f.value FROM record_fields f
                WHERE f.handle = s.handle AND f.field = asked.field AND NOT EXISTS (
                    SELECT FROM void_events v WHERE v.event_id = f.source_event)
                ORDER BY f.registered_at DESC, f.recorded_at DESC LIMIT 1
            ) AS latest
        ),
        CASE WHEN EXISTS (
            SELECT FROM subject_events e
            WHERE e.handle = s.handle AND e.event_id <> asking.event_id
                AND e.fact_digest = decode(asking.fact_digest, 'hex')
        ) THEN (
            SELECT jsonb_agg(jsonb_build_array(r.event_id, r.root_event_id) ORDER BY r.position)
            FROM subject_events e JOIN resolved_events r USING (event_id)
            WHERE e.handle = s.handle AND e.event_id <> asking.event_id
                AND e.fact_digest = decode(asking.fact_digest, 'hex')
                AND NOT EXISTS (SELECT FROM void_events v WHERE v.event_id = e.event_id)
        ) END
    FROM jsonb_to_recordset(%s) AS asking (handle text, event_id text, fact_digest text)
        JOIN subjects s USING (handle)
"""


class Locks:
    """One transaction's locks on digests, in the order that everybody takes them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._all = False

    async def take(self, digests: Iterable[bytes]) -> None:
        """Hold others off these digests until the transaction ends."""
        if self._all:
            return
        keys = sorted({int.from_bytes(digest[:8], "big", signed=True) for digest in digests})
        self._all = len(keys) > MANY_LOCKS
        if self._all:
            await self._connection.execute(_LOCK_ALL)
        else:
            await self._connection.execute(_LOCK, [Jsonb(keys)])


class PostgresSubjects:
    """The port SubjectRows on one connection's transaction."""

    def __init__(self, connection: Connection, locks: Locks) -> None:
        self._connection = connection
        self._locks = locks

    async def lock_known(self, digests: Sequence[bytes]) -> dict[bytes, str]:
        """Take the locks, then look: what is read is what the holder before has left."""
        await self._locks.take(digests)
        return await self.known(digests)

    async def known(self, digests: Sequence[bytes]) -> dict[bytes, str]:
        """Handles by digest."""
        asked = Jsonb([digest.hex() for digest in digests])
        return dict(await (await self._connection.execute(_KNOWN, [asked])).fetchall())

    async def add(self, rows: Sequence[SubjectRow], at: datetime) -> None:
        """Two statements however many people."""
        if not rows:
            return
        fresh = [
            {"handle": row.handle, "language": row.language, "nation": row.nation} for row in rows
        ]
        await self._connection.execute(_ADD, [at, Jsonb(fresh)])
        await self._bind([(each, row.handle) for row in rows for each in row.fingerprints])

    async def bind(self, handle: str, fingerprints: Sequence[Fingerprint]) -> None:
        """One statement however many identifiers."""
        await self._bind([(each, handle) for each in fingerprints])

    async def settle(self, handle: str, language: str, nation: str) -> None:
        """Leave the row alone where nothing is new."""
        await self._connection.execute(
            "UPDATE subjects SET language = %s, nation = %s"
            " WHERE handle = %s AND (language, nation) <> (%s, %s)",
            [language, nation, handle, language, nation],
        )

    async def tell(self, told: Sequence[FieldFed], at: datetime) -> None:
        """An operator's word replaces what an operator said before."""
        if told:
            rows = [{"handle": f.handle, "field": f.name, "value": f.value} for f in told]
            await self._connection.execute(_TELL, [at, at, Jsonb(rows)])

    async def signed_in(self, issuer: str, sub: str) -> str | None:
        """Whose account it is."""
        row = await (await self._connection.execute(_SIGNED_IN, [issuer, sub])).fetchone()
        return row[0] if row else None

    async def bind_sign_in(self, issuer: str, sub: str, handle: str) -> bool:
        """Whether the account is the person's afterwards."""
        await self._connection.execute(_BIND_SIGN_IN, [issuer, sub, handle])
        return await self.signed_in(issuer, sub) == handle

    async def profiles(self, asking: Sequence[Asking], fields: Sequence[str]) -> dict[str, Profile]:
        """One statement, so that everything in a profile is of one instant."""
        asked = [
            {
                "handle": each.handle,
                "event_id": each.event_id,
                "fact_digest": (each.fact_digest or b"").hex() or None,
            }
            for each in asking
        ]
        cursor = await self._connection.execute(_PROFILES, [list(fields), Jsonb(asked)])
        return {
            handle: Profile(serial, tuple(types), record or {}, tuple(map(tuple, same or ())))
            for handle, serial, types, record, same in await cursor.fetchall()
        }

    async def _bind(self, bound: Sequence[tuple[Fingerprint, str]]) -> None:
        if bound:
            rows = [
                {"hmac": each.digest.hex(), "scheme": each.scheme, "handle": handle}
                for each, handle in bound
            ]
            await self._connection.execute(_BIND, [Jsonb(rows)])
