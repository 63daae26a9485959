"""The gate's own rows: read under a shared lock, changed under an exclusive one.

Whoever reads them to let something pass holds FOR SHARE on the person's row of gate_subjects until
it commits; whoever changes them holds FOR UPDATE on it. The row is locked first, before any row of
the ledger, everywhere.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from psycopg import sql

from services.kit.postgres import Connection
from services.notifications.adapters.postgres import digests
from services.notifications.adapters.postgres.asks import ASK, ASK_COLUMNS, VERSION, ask_of
from services.notifications.adapters.postgres.store import Store
from services.notifications.domain import digest
from services.notifications.domain.gate import Ask, ReadThrough, Stopped, judge_ended
from services.notifications.domain.ledger import UNFINISHED, Reason
from services.notifications.domain.permission import Choice, Flag, Permission, PermissionSet
from services.notifications.ports import Taken

_SERIAL: Final = sql.SQL("SELECT serial FROM gate_subjects WHERE subject = %s")
# In the order of the characters, as `sorted` has them: whoever locks several people does so in one.
_LOCK: Final = """
    SELECT subject, serial FROM gate_subjects WHERE subject = ANY(%s)
    ORDER BY subject COLLATE "C" FOR SHARE
"""
_PERMISSIONS: Final = """
    SELECT subject, purpose, controller, choice, epoch, channels, expires_at, basis
    FROM gate_permissions WHERE subject = ANY(%s)
"""
_MARKS: Final = """
    SELECT subject, 'flag', flag FROM gate_flags WHERE subject = ANY(%s)
    UNION ALL SELECT subject, 'case', case_id FROM gate_closed_cases WHERE subject = ANY(%s)
"""
_UNFINISHED_ROWS: Final = sql.SQL("""
    SELECT {ask}, l.prompt_id FROM ledger l {version}
    WHERE l.subject = %s AND l.state = ANY(%s)
    ORDER BY l.prompt_id, l.channel FOR UPDATE OF l
""").format(ask=ASK, version=VERSION)

Cursor = Any  # psycopg's, of a statement whose answer is still on its way


class Views:
    """People's sets as they are read inside a transaction: asked for first, fetched later.

    The lock is a statement of its own before the others: joined with them, it would be waited for
    while they kept the snapshot from before the wait.
    """

    def __init__(self, cursors: tuple[Cursor, Cursor, Cursor]) -> None:
        self._serials, self._permissions, self._marks = cursors

    @classmethod
    async def ask(cls, connection: Connection, subjects: Sequence[str]) -> "Views":
        """Lock their rows and ask for the sets; nothing is waited for yet."""
        who = list(subjects)
        return cls(
            (
                await connection.execute(_LOCK, (who,)),
                await connection.execute(_PERMISSIONS, (who,)),
                await connection.execute(_MARKS, (who, who)),
            )
        )

    async def fetch(self) -> dict[str, PermissionSet]:
        """The sets; a person unknown here has none."""
        serials = dict(await self._serials.fetchall())
        permissions: defaultdict[str, list[Permission]] = defaultdict(list)
        marks: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for subject, *columns in await self._permissions.fetchall():
            permissions[subject].append(_permission(columns))
        for subject, kind, mark in await self._marks.fetchall():
            marks[subject].append((kind, mark))
        return {
            subject: PermissionSet(
                subject=subject,
                serial=serial,
                permissions=tuple(permissions[subject]),
                flags=frozenset(Flag(mark) for kind, mark in marks[subject] if kind == "flag"),
                closed_cases=frozenset(mark for kind, mark in marks[subject] if kind == "case"),
            )
            for subject, serial in serials.items()
        }


def _permission(row: Sequence[Any]) -> Permission:
    purpose, controller, choice, epoch, channels, expires_at, basis = row
    return Permission(
        purpose, controller, Choice(choice), epoch, frozenset(channels), expires_at, basis
    )


class PostgresGate:
    """The port Gate."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def serial(self, subject: str) -> int:
        """The serial in force; 0 for a person unknown here."""
        rows = await self._store.one(_SERIAL, (subject,))
        return int(rows[0][0]) if rows else 0

    async def take(self, sets: Sequence[PermissionSet]) -> list[Taken]:
        """Take the sets that are newer, in one transaction."""
        newest: dict[str, PermissionSet] = {}
        for each in sets:
            kept = newest.get(each.subject)
            if kept is None or each.serial > kept.serial:
                newest[each.subject] = each

        async def work(connection: Connection) -> list[Taken]:
            known = await connection.execute(
                "SELECT subject, serial FROM gate_subjects WHERE subject = ANY(%s)", [list(newest)]
            )
            serials: dict[str, int] = {row[0]: row[1] for row in await known.fetchall()}
            return [
                taken
                for subject in sorted(newest)
                if newest[subject].serial > serials.get(subject, -1)
                and (taken := await self._take_one(connection, newest[subject])) is not None
            ]

        return await self._store.run(work)

    async def _take_one(self, connection: Connection, new: PermissionSet) -> Taken | None:
        await connection.execute(
            "INSERT INTO gate_subjects VALUES (%s, -1) ON CONFLICT DO NOTHING", (new.subject,)
        )
        locked = await connection.execute(
            "SELECT serial FROM gate_subjects WHERE subject = %s FOR UPDATE", (new.subject,)
        )
        row = await locked.fetchone()
        if row is None or row[0] >= new.serial:
            return None
        lifted = await self._replace(connection, new)
        ended = await self._end_rows(connection, new)
        if lifted:
            await digests.bring_back(connection, new)
        return Taken(new.subject, new.serial, ended)

    async def _replace(self, connection: Connection, new: PermissionSet) -> bool:
        """Write the new set in place of the old; whether anything silences the person no more."""
        who = (new.subject,)
        await connection.execute(
            "UPDATE gate_subjects SET serial = %s WHERE subject = %s", (new.serial, new.subject)
        )
        await connection.execute("DELETE FROM gate_permissions WHERE subject = %s", who)
        flags = await connection.execute(
            "DELETE FROM gate_flags WHERE subject = %s RETURNING flag", who
        )
        cases = await connection.execute(
            "DELETE FROM gate_closed_cases WHERE subject = %s RETURNING case_id", who
        )
        for each in new.permissions:
            await connection.execute(
                "INSERT INTO gate_permissions (subject, purpose, controller, choice, epoch, serial,"
                " channels, expires_at, basis) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    *(new.subject, each.purpose, each.controller, each.choice.value, each.epoch),
                    *(new.serial, sorted(each.channels), each.expires_at, each.basis),
                ),
            )
        for flag in new.flags:
            await connection.execute(
                "INSERT INTO gate_flags VALUES (%s, %s)", (new.subject, flag.value)
            )
        for case_id in new.closed_cases:
            await connection.execute(
                "INSERT INTO gate_closed_cases VALUES (%s, %s)", (new.subject, case_id)
            )
        silenced = {Flag(row[0]) for row in await flags.fetchall()}
        closed = {row[0] for row in await cases.fetchall()}
        return bool(silenced - new.flags or closed - new.closed_cases)

    async def _end_rows(self, connection: Connection, new: PermissionSet) -> int:
        """End every prompt that nobody has opened and whose permission the set has ended."""
        cursor = await connection.execute(
            _UNFINISHED_ROWS,
            (new.subject, [state.value for state in UNFINISHED]),
        )
        asked = [(ask_of(row), row[ASK_COLUMNS]) for row in await cursor.fetchall()]
        verdicts = [
            (ask, prompt_id, await _verdict(connection, ask, prompt_id, new))
            for ask, prompt_id in asked
        ]
        stopped = [
            (prompt_id, ask.channel, verdict.reason)
            for ask, prompt_id, verdict in verdicts
            if isinstance(verdict, Stopped)
        ]
        await suppress(connection, stopped)
        return len(stopped)


async def _verdict(
    connection: Connection, ask: Ask, prompt_id: str, new: PermissionSet
) -> Stopped | ReadThrough | None:
    verdict = judge_ended(ask, new)
    if verdict is None and ask.basis == digest.BASIS:
        return await digests.ended(connection, prompt_id, new)
    return verdict


async def suppress(
    connection: Connection, stopped: Sequence[tuple[str, str, Reason]], now: Any = None
) -> None:
    """End rows that the caller has locked: (prompt id, channel, reason)."""
    if not stopped:
        return
    prompts, channels, reasons = zip(*stopped, strict=True)
    await connection.execute(
        "UPDATE ledger l SET state = k.state, reason = k.reason, lease_expires = NULL,"
        " ended_at = coalesce(%s, now())"
        " FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[])"
        " AS k (prompt_id, channel, state, reason)"
        " WHERE l.prompt_id = k.prompt_id AND l.channel = k.channel",
        (
            now,
            list(prompts),
            list(channels),
            ["expired" if each is Reason.EXPIRED else "suppressed" for each in reasons],
            [each.value for each in reasons],
        ),
    )
