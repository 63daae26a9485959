"""A transaction's statements travel together, and fail together."""

import asyncio

import psycopg
import pytest
from psycopg.pq import PipelineStatus, TransactionStatus

from services.kit.postgres import Connection

pytestmark = pytest.mark.integration
MOMENTS = 100


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


async def test_whoever_is_given_up_leaves_no_transaction_behind(database_url, monkeypatch):
    """At whatever moment a unit of work is cancelled: its connection is free of it, or closed."""
    # As on a machine that is busy: every step lets others go first, and can be cancelled there.
    monkeypatch.setattr(psycopg.waiting, "MAX_BUSY_TIME", 0)
    given_up = 0
    for steps in range(MOMENTS):
        async with await Connection.connect(database_url, autocommit=True) as connection:
            task = asyncio.create_task(a_unit_of_work(connection))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            given_up += task.cancelled()
            assert connection.closed or connection.info.pipeline_status is PipelineStatus.OFF
            assert connection.closed or connection.info.transaction_status is TransactionStatus.IDLE

    assert given_up > 10


async def a_unit_of_work(connection):
    async with connection.pipeline(), connection.transaction():
        cursor = await connection.execute("SELECT 1")
        await cursor.fetchall()
        await connection.execute("SELECT 2")


async def test_more_than_a_socket_holds_is_sent_when_an_answer_is_wanted(connection):
    async with connection.pipeline(), connection.transaction():
        await connection.execute("SELECT length(%s)", ["crumbs" * 2_000_000])
        asked = await connection.execute("SELECT length(%s)", ["crumbs" * 2_000_000])
        assert await asked.fetchall() == [(12_000_000,)]
