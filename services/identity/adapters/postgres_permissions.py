"""Permissions, flags and their history, in PostgreSQL."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from services.identity.domain.permission import (
    Change,
    Choice,
    Flag,
    Outcome,
    Permission,
    PermissionSet,
)
from services.identity.domain.permission_history import Entry, append
from services.identity.ports import Effect, FlagRow, NewId
from services.identity.wire.permissions import permission_set_bytes
from services.kit.postgres import Connection
from services.kit.telemetry import current_traceparent

# Identifiers and events refer to the row meanwhile, which this lock lets them.
_LOCK: Final = "SELECT FROM subjects WHERE handle = ANY(%s) ORDER BY handle FOR NO KEY UPDATE"
# One statement, so that a serial never stands beside the rows of another.
_READ: Final = """
    SELECT s.handle, s.serial,
        ARRAY(
            SELECT DISTINCT f.flag FROM flags f
            WHERE f.handle = s.handle AND NOT EXISTS (
                SELECT FROM void_events v WHERE v.event_id = f.event_id)
        ),
        ARRAY(
            SELECT DISTINCT m.case_id
            FROM case_members m JOIN cases c USING (case_id) JOIN flags f ON f.handle = c.anchor
            WHERE m.handle = s.handle AND NOT EXISTS (
                SELECT FROM void_events v WHERE v.event_id = f.event_id)
        ),
        p.purpose, p.controller, p.choice, p.epoch, p.lawful_basis, p.channels, p.expires_at,
        p.agreement_hash, p.ended
    FROM subjects s LEFT JOIN permissions p USING (handle)
    WHERE s.handle = ANY(%s)
    ORDER BY s.handle, p.purpose COLLATE "C", p.controller COLLATE "C"
"""
_SAVE_ROW: Final = """
    INSERT INTO permissions AS p (handle, purpose, controller, choice, epoch, lawful_basis,
        channels, expires_at, agreement_hash, ended, ended_serial, took_effect_at)
    VALUES (%(handle)s, %(purpose)s, %(controller)s, %(choice)s, %(epoch)s, %(lawful_basis)s,
        %(channels)s, %(expires_at)s, %(agreement_hash)s, %(ended)s, %(ended_serial)s,
        %(took_effect_at)s)
    ON CONFLICT (handle, purpose, controller) DO UPDATE SET
        choice = excluded.choice, epoch = excluded.epoch, lawful_basis = excluded.lawful_basis,
        channels = excluded.channels, expires_at = excluded.expires_at,
        agreement_hash = excluded.agreement_hash, ended = excluded.ended,
        ended_serial = CASE WHEN %(keeps_end)s THEN p.ended_serial ELSE excluded.ended_serial END,
        took_effect_at = CASE WHEN %(keeps_end)s THEN p.took_effect_at END
"""
_LAST_HASH: Final = """
    SELECT hash FROM permission_history WHERE handle = %s ORDER BY serial DESC LIMIT 1
"""
_SAVE_HISTORY: Final = """
    INSERT INTO permission_history (handle, serial, purpose, controller, choice, epoch, at,
        signed_by, lawful_basis, channels, expires_at, agreement_hash, form, ends, hash,
        previous_hash)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_SAVE_OUTBOX: Final = """
    INSERT INTO outbox (id, handle, value, traceparent, created_at) VALUES (%s, %s, %s, %s, %s)
"""
_SAVE_FENCE: Final = """
    INSERT INTO fences (handle, serial, requested_at) VALUES (%s, %s, %s)
    ON CONFLICT (handle) DO UPDATE SET serial = excluded.serial
"""
_FLAG: Final = """
    INSERT INTO flags (handle, flag, event_id)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
    ON CONFLICT DO NOTHING
"""
_TOUCHED: Final = """
    WITH flagged AS (
        SELECT unnest(%s::text[]) AS handle UNION SELECT handle FROM flags WHERE event_id = ANY(%s)
    )
    SELECT handle FROM flagged
    UNION SELECT m.handle
    FROM flagged JOIN cases c ON c.anchor = flagged.handle JOIN case_members m USING (case_id)
"""


_HISTORY: Final = """
    SELECT serial, purpose, controller, choice, epoch, at, signed_by, previous_hash, hash,
        lawful_basis, channels, expires_at, agreement_hash, form, ends, took_effect_at
    FROM permission_history WHERE handle = %s ORDER BY serial
"""
_EFFECTS: Final = """
    SELECT purpose, controller, took_effect_at FROM permissions
    WHERE handle = %s AND ended ORDER BY purpose COLLATE "C", controller COLLATE "C"
"""


async def read_sets(connection: Connection, handles: Sequence[str]) -> dict[str, PermissionSet]:
    """The sets of those who exist, each as of one instant."""
    rows = await (await connection.execute(_READ, [list(handles)])).fetchall()
    held: dict[str, PermissionSet] = {}
    permissions: dict[str, list[Permission]] = {}
    for handle, serial, flags, closed_cases, *row in rows:
        held[handle] = PermissionSet(
            subject=handle,
            serial=serial,
            flags=frozenset(map(Flag, flags)),
            closed_cases=frozenset(closed_cases),
        )
        if row[0] is not None:
            permissions.setdefault(handle, []).append(_permission(row))
    return {
        handle: replace(each, permissions=tuple(permissions.get(handle, ())))
        for handle, each in held.items()
    }


class PostgresPermissions:
    """The port PermissionRows on one connection's transaction."""

    def __init__(self, connection: Connection, new_id: NewId) -> None:
        self._connection = connection
        self._new_id = new_id
        self.saved = False

    async def lock(self, handles: Sequence[str]) -> dict[str, PermissionSet]:
        """Lock first and read second: a read in the locking statement could be an older one."""
        await self._connection.execute(_LOCK, [list(handles)])
        return await self.read(handles)

    async def read(self, handles: Sequence[str]) -> dict[str, PermissionSet]:
        """The sets as this transaction sees them."""
        return await read_sets(self._connection, handles)

    async def effects(self, handle: str) -> list[Effect]:
        """By purpose and department."""
        rows = await (await self._connection.execute(_EFFECTS, [handle])).fetchall()
        return [Effect(*row) for row in rows]

    async def history(self, handle: str) -> list[Entry]:
        """Oldest first."""
        rows = await (await self._connection.execute(_HISTORY, [handle])).fetchall()
        return [_entry(row) for row in rows]

    async def save(self, outcome: Outcome, at: datetime) -> None:
        """Everything a change leaves behind, or none of it."""
        handle, after = outcome.subject, outcome.after
        if outcome.changes:
            await self._save_history(handle, outcome.changes, at)
            await self._save_rows(handle, outcome.changes, at)
        await self._connection.execute(
            "UPDATE subjects SET serial = %s WHERE handle = %s", [after.serial, handle]
        )
        told = [self._new_id(), handle, permission_set_bytes(after), current_traceparent(), at]
        await self._connection.execute(_SAVE_OUTBOX, told)
        if outcome.must_be_fenced:
            await self._connection.execute(_SAVE_FENCE, [handle, after.serial, at])
        self.saved = True

    async def flag(self, flags: Sequence[FlagRow]) -> None:
        """The rows stand for good; whether they count, their events say."""
        if flags:
            rows = [(each.handle, each.flag.value, each.event_id) for each in flags]
            await self._connection.execute(_FLAG, [list(each) for each in zip(*rows, strict=True)])

    async def touched(self, handles: Sequence[str], event_ids: Sequence[str]) -> list[str]:
        """One statement, which finds nobody else for an event that stands alone."""
        cursor = await self._connection.execute(_TOUCHED, [list(handles), list(event_ids)])
        return sorted(row[0] for row in await cursor.fetchall())

    async def _save_history(self, handle: str, changes: Sequence[Change], at: datetime) -> None:
        last = await (await self._connection.execute(_LAST_HASH, [handle])).fetchone()
        entries = append(last[0] if last else "", changes, at)
        for entry in entries:
            row = [handle, entry.serial, entry.purpose, entry.controller, entry.choice.value]
            signed = [entry.epoch, entry.at, entry.signed_by]
            terms = [entry.lawful_basis, list(entry.channels), entry.expires_at]
            chain = [entry.agreement_hash, entry.form, entry.ends, entry.hash, entry.previous_hash]
            await self._connection.execute(_SAVE_HISTORY, [*row, *signed, *terms, *chain])

    async def _save_rows(self, handle: str, changes: Iterable[Change], at: datetime) -> None:
        for change in changes:
            row = change.permission
            values = {
                "handle": handle,
                "purpose": row.purpose,
                "controller": row.controller,
                "choice": row.choice.value,
                "epoch": row.epoch,
                "lawful_basis": row.lawful_basis,
                "channels": list(row.channels),
                "expires_at": row.expires_at,
                "agreement_hash": row.agreement_hash,
                "ended": row.ended,
                "ended_serial": change.serial if change.ends else None,
                # A no where there was no yes holds from the start: nobody could act on one.
                "took_effect_at": at if row.ended and not change.ends else None,
                # Taking back what had ended by itself ends nothing a second time.
                "keeps_end": row.ended and not change.ends,
            }
            await self._connection.execute(_SAVE_ROW, values)


def _entry(row: Sequence[Any]) -> Entry:
    return Entry(
        serial=row[0],
        purpose=row[1],
        controller=row[2],
        choice=Choice(row[3]),
        epoch=row[4],
        at=row[5],
        signed_by=row[6],
        previous_hash=row[7],
        hash=row[8],
        lawful_basis=row[9],
        channels=tuple(row[10]),
        expires_at=row[11],
        agreement_hash=row[12],
        form=row[13],
        ends=row[14],
        took_effect_at=row[15],
    )


def _permission(row: Sequence[Any]) -> Permission:
    purpose, controller, choice, epoch, basis, channels, expires_at, agreement_hash, ended = row
    return Permission(
        purpose=purpose,
        controller=controller,
        choice=Choice(choice),
        epoch=epoch,
        lawful_basis=basis,
        channels=tuple(channels),
        expires_at=expires_at,
        agreement_hash=agreement_hash,
        ended=ended,
    )
