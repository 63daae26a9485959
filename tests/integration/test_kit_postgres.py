"""A transaction's statements travel together, and fail together."""

import psycopg
import pytest

from services.kit.postgres import Connection

pytestmark = pytest.mark.integration


@pytest.fixture
async def connection(database_url):
    async with await Connection.connect(database_url, autocommit=True) as made:
        await made.execute("CREATE TABLE loaf (id integer PRIMARY KEY)")
        yield made


async def loaves(connection):
    return [row[0] for row in await (await connection.execute("SELECT id FROM loaf")).fetchall()]


async def test_a_statement_leaves_when_an_answer_is_wanted(connection, database_url):
    moment = "SELECT clock_timestamp()"
    async with connection.pipeline(), connection.transaction():
        first = await connection.execute(moment)
        async with await psycopg.AsyncConnection.connect(database_url) as other:
            [meanwhile] = await (await other.execute(moment)).fetchall()
        [gathered] = await first.fetchall()

    assert gathered > meanwhile


async def test_what_nobody_fetched_is_committed_too(connection):
    async with connection.pipeline(), connection.transaction():
        await connection.execute("INSERT INTO loaf VALUES (1)")
        await connection.execute("INSERT INTO loaf VALUES (2)")

    assert await loaves(connection) == [1, 2]


async def test_a_statement_that_fails_undoes_the_others(connection):
    async def twice():
        async with connection.pipeline(), connection.transaction():
            await connection.execute("INSERT INTO loaf VALUES (1)")
            await connection.execute("INSERT INTO loaf VALUES (1)")

    with pytest.raises(psycopg.errors.UniqueViolation):
        await twice()

    await connection.rollback()
    assert await loaves(connection) == []


async def test_an_error_of_ours_undoes_what_was_gathered(connection):
    async def stumble():
        async with connection.pipeline(), connection.transaction():
            await connection.execute("INSERT INTO loaf VALUES (1)")
            raise KeyError

    with pytest.raises(KeyError):
        await stumble()

    assert await loaves(connection) == []
