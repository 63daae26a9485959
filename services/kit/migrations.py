"""A service's own database, brought up to date at its start: forward only, one at a time."""

import hashlib
import re
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from services.kit.retry import retry_transient

# NNNN_name.sql, numbered without gaps.
_NAME = re.compile(r"([0-9]{4})_[a-z0-9_]+\.sql")
_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
        number integer PRIMARY KEY,
        name text NOT NULL,
        sha256 text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""


class MigrationRefused(Exception):
    """The files and the database tell different histories; the text names the file."""


async def migrate(
    dsn: str,
    directory: Path,
    lock_key: int | str,
    *,
    wait_seconds: float = 30.0,
) -> list[str]:
    """Apply what is missing, each file in its own transaction; answers the names applied.

    Waits for the server; two processes with the same key take turns. Raises MigrationRefused when
    an applied file was changed or is gone, and psycopg's errors.
    """
    files = _files(directory)
    delay = 0.25
    connection = await retry_transient(
        lambda: psycopg.AsyncConnection.connect(dsn, autocommit=True, connect_timeout=5),
        transient=(psycopg.OperationalError,),
        delays=[delay] * int(wait_seconds / delay),
    )
    async with connection:
        lock = sql.SQL("hashtextextended({}, 0)") if isinstance(lock_key, str) else sql.SQL("{}")
        key = lock.format(sql.Literal(lock_key))
        await connection.execute(sql.SQL("SELECT pg_advisory_lock({})").format(key))
        await connection.execute(_TABLE)
        return await _apply(connection, files)


async def _apply(
    connection: "psycopg.AsyncConnection[Any]", files: list[tuple[int, Path]]
) -> list[str]:
    cursor = await connection.execute("SELECT number, name, sha256 FROM schema_migrations")
    done = {row[0]: (row[1], row[2]) for row in await cursor.fetchall()}
    unknown = set(done) - {number for number, _ in files}
    if unknown:
        raise MigrationRefused(f"{done[min(unknown)][0]} was applied, and its file is gone")
    applied = []
    for number, path in files:
        text = path.read_bytes()
        digest = hashlib.sha256(text).hexdigest()
        if number in done:
            if done[number] != (path.name, digest):
                raise MigrationRefused(f"{path.name} was changed after it was applied")
            continue
        async with connection.transaction():
            await connection.execute(text)
            await connection.execute(
                "INSERT INTO schema_migrations (number, name, sha256) VALUES (%s, %s, %s)",
                (number, path.name, digest),
            )
        applied.append(path.name)
    return applied


def _files(directory: Path) -> list[tuple[int, Path]]:
    found: list[tuple[int, Path]] = []
    for path in sorted(directory.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None or int(match[1]) != len(found) + 1:
            raise MigrationRefused(f"{path.name} is not the next number, NNNN_name.sql")
        found.append((int(match[1]), path))
    return found
