"""Every version of a nudge that was ever loaded, kept for the prompts that were decided on it."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb

from services.kit.postgres import Connection
from services.notifications.adapters.postgres.store import Store
from services.notifications.domain.nudge import version_parts


class PostgresNudges:
    """The port NudgeVersions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Keep the versions that are new; the first text of a version stays."""
        rows = [
            (each["id"], *version_parts(each["version"]), each["version"], Jsonb(each))
            for each in sorted(documents, key=lambda each: str(each["id"]))
        ]

        async def work(connection: Connection) -> None:
            async with connection.cursor() as cursor:
                await cursor.executemany(
                    "INSERT INTO nudge_versions (id, major, minor, version, document)"
                    " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    rows,
                )

        if rows:
            await self._store.run(work)
