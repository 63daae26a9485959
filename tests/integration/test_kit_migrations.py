"""A database is brought up to date once, in order, and its history cannot be rewritten."""

import asyncio

import psycopg
import pytest

from services.kit.migrations import MigrationRefused, migrate

pytestmark = pytest.mark.integration


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "0001_oven.sql").write_text(
        "CREATE TABLE oven (id integer);\nCREATE INDEX ON oven (id);"
    )
    (tmp_path / "0002_loaf.sql").write_text(
        "CREATE TABLE loaf (id integer, share text DEFAULT '10%');"
    )
    return tmp_path


async def tables(url):
    async with await psycopg.AsyncConnection.connect(url) as connection:
        cursor = await connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        )
        return [name for (name,) in await cursor.fetchall()]


async def test_what_is_missing_is_applied_once_and_in_order(database_url, folder):
    first = await migrate(database_url, folder, 7)
    again = await migrate(database_url, folder, 7)
    (folder / "0003_crumb.sql").write_text("ALTER TABLE loaf ADD COLUMN crumb text;")
    later = await migrate(database_url, folder, 7)

    assert (first, again) == (["0001_oven.sql", "0002_loaf.sql"], [])
    assert later == ["0003_crumb.sql"]
    assert await tables(database_url) == ["loaf", "oven", "schema_migrations"]


async def test_two_processes_at_once_apply_each_file_once(database_url, folder):
    done = await asyncio.gather(*(migrate(database_url, folder, "bakery") for _ in range(4)))

    assert sorted(done) == [[], [], [], ["0001_oven.sql", "0002_loaf.sql"]]


async def test_a_changed_file_is_refused(database_url, folder):
    await migrate(database_url, folder, 7)
    (folder / "0001_oven.sql").write_text("CREATE TABLE oven (id bigint);")

    with pytest.raises(MigrationRefused, match=r"0001_oven\.sql was changed"):
        await migrate(database_url, folder, 7)


async def test_a_file_that_is_gone_is_refused(database_url, folder):
    await migrate(database_url, folder, 7)
    (folder / "0002_loaf.sql").unlink()

    with pytest.raises(MigrationRefused, match="is gone"):
        await migrate(database_url, folder, 7)


async def test_a_failing_file_leaves_nothing_of_itself(database_url, folder):
    (folder / "0002_loaf.sql").write_text("CREATE TABLE loaf (id integer); SELECT 1/0;")

    with pytest.raises(psycopg.errors.DivisionByZero):
        await migrate(database_url, folder, 7)

    assert await tables(database_url) == ["oven", "schema_migrations"]
    (folder / "0002_loaf.sql").write_text("CREATE TABLE loaf (id integer);")
    assert await migrate(database_url, folder, 7) == ["0002_loaf.sql"]


async def test_a_server_that_is_away_is_waited_for_and_then_named(folder):
    with pytest.raises(psycopg.OperationalError):
        await migrate("postgresql://nobody@127.0.0.1:1/none", folder, 7, wait_seconds=0.5)
