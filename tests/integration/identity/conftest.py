"""Identity's own database, brought up to date once a file and emptied before each test."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import pytest

from joinedup.identity.v1.enforcement_points_pb2 import EnforcementPointsRegisterRequest
from services.identity.bootstrap import MIGRATIONS
from services.kit.migrations import migrate
from tests.builders import a_nino, a_register_request
from tests.integration.identity.running import Identity, Keys, Point

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def migrated_url(module_database_url: str) -> str:
    asyncio.run(migrate(module_database_url, MIGRATIONS, "identity"))
    return module_database_url


@pytest.fixture
def emptied_url(migrated_url: str) -> str:
    with psycopg.connect(migrated_url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT string_agg(tablename, ', ') FROM pg_tables"
            " WHERE schemaname = 'public' AND tablename <> 'schema_migrations'"
        ).fetchone()
        assert tables is not None
        connection.execute(f"TRUNCATE {tables[0]}")
    return migrated_url


@pytest.fixture
async def identity(emptied_url: str, keys: Keys) -> AsyncIterator[Identity]:
    async with Identity(emptied_url, keys) as running:
        yield running


@pytest.fixture
async def short_leases(emptied_url: str, keys: Keys) -> AsyncIterator[Identity]:
    """Identity whose leases last a second and a half."""
    async with Identity(emptied_url, keys, lease_seconds=1.5) as running:
        yield running


@pytest.fixture
async def mair(identity: Identity) -> str:
    """The handle of somebody registered, who was never asked for anything."""
    registered = await identity.register(a_register_request(a_nino(1), oidc_sub="mair"))
    return str(registered.subject)


@pytest.fixture
def register_point() -> Callable[[Identity, Point], Awaitable[None]]:
    async def register(identity: Identity, point: Point) -> None:
        await identity.points.Register(
            EnforcementPointsRegisterRequest(instance=point.instance, address=point.address)
        )

    return register
