"""A process that stands still inside a transaction holds nobody up, and goes on afterwards."""

from __future__ import annotations

import psycopg
import pytest

from services.notifications.adapters.postgres.store import Store
from services.notifications.domain.errors import StoreUnavailable
from tests.waiting import eventually

pytestmark = pytest.mark.integration


class Work:
    """A unit of work in which the whole process stands still, until its session has ended.

    As SIGSTOP has it: the event loop too does nothing meanwhile.
    """

    def __init__(self, database_url, where, times):
        self.database_url = database_url
        self.where = where
        self.times = times
        self.sessions = []

    async def __call__(self, connection):
        self.sessions.append(connection.info.backend_pid)
        self.stand_still("before the first statement")
        cursor = await connection.execute("SELECT 'done'")
        (done,) = await cursor.fetchone()
        self.stand_still("between two statements")
        await (await connection.execute("SELECT 'and done'")).fetchone()
        self.stand_still("before the commit")
        return done

    def stand_still(self, here):
        if here == self.where and len(self.sessions) <= self.times:
            eventually(self.ended)

    def ended(self):
        with psycopg.connect(self.database_url) as watcher:
            query = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
            return watcher.execute(query, (self.sessions[-1],)).fetchone() is None


@pytest.fixture
async def store(database_url):
    opened = Store(database_url, connections=2)
    await opened.open()
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    "where", ["before the first statement", "between two statements", "before the commit"]
)
async def test_the_server_ends_the_session_and_the_work_is_done_again(store, database_url, where):
    work = Work(database_url, where, times=1)

    assert await store.run(work) == "done"
    assert len(set(work.sessions)) == 2


async def test_one_that_stands_still_again_is_told_that_the_store_is_away(store, database_url):
    with pytest.raises(StoreUnavailable):
        await store.run(Work(database_url, "before the commit", times=2))

    assert await store.run(Work(database_url, "before the commit", times=0)) == "done"
