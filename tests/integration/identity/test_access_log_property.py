"""Whatever the relay, crashes and readers do in between, each committed read is listed once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.identity.adapters.postgres_access import PostgresAccessLog
from services.identity.domain.access_line import own_look
from services.identity.domain.page_token import PageTokens
from services.identity.handlers.access import append_lines, read_access_log
from services.identity.wire.access import lines_of
from services.kit.ids import new_random_id
from services.kit.migrations import migrate
from services.notifications.adapters.postgres.access_lines import PostgresAccessOutbox, add_line
from services.notifications.adapters.postgres.store import Store
from services.notifications.bootstrap.outside import MIGRATIONS
from services.notifications.domain.access_line import Look
from services.notifications.domain.errors import AccessLogsUnavailable
from services.notifications.wire.access_lines import line_messages
from tests import native
from tests.integration.identity.running import Identity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.identity.domain.access_line import AccessLine
    from services.identity.ports.access import Page

pytestmark = pytest.mark.integration

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKENS = PageTokens(b"k" * 32)
RELAYS = ("relay", "crash before identity has them", "crash before they are forgotten", "rest")


class Crash(Exception):
    """The process ends here: its transaction is rolled back."""


@dataclass
class Town:
    """One person's log in two real databases, and what was committed."""

    identity: Identity
    store: Store
    subject: str = field(default_factory=new_random_id)
    committed: set[str] = field(default_factory=set)
    relays: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outbox = PostgresAccessOutbox(self.store)
        self.log = PostgresAccessLog(self.identity.pool)

    async def read_here(self, *, commit: bool, at: datetime) -> None:
        line = own_look(new_random_id(), self.subject, ("choices",), at, "")
        with suppress(Crash):
            async with self.identity.store.transaction() as tx:
                await tx.access.add([line])
                if not commit:
                    raise Crash
            self.committed.add(line.id)

    async def read_there(self, *, commit: bool, at: datetime) -> None:
        line = Look(new_random_id(), at, "").at_inbox(self.subject)

        async def work(connection: Any) -> None:
            await add_line(connection, line)
            if not commit:
                raise Crash

        with suppress(Crash):
            await self.store.run(work)
            self.committed.add(line.id)

    async def relay(self, how: str) -> None:
        async def hand(lines: Sequence[Any]) -> None:
            if how == "crash before identity has them":
                raise AccessLogsUnavailable
            await append_lines(lines_of(line_messages(lines)), self.identity.store)
            if how == "crash before they are forgotten":
                raise Crash

        if how != "rest":
            with suppress(Crash, AccessLogsUnavailable):
                await self.outbox.relay(hand)

    async def lines(self, page: Page) -> list[AccessLine]:
        """What waits, as identity asks for it; the relay goes on before and behind that."""
        await self.relay(self._next_relay())
        found = await self.outbox.waiting(
            page.subject, page.after, page.limit, others_only=page.others_only
        )
        await self.relay(self._next_relay())
        return lines_of(line_messages(found))

    def _next_relay(self) -> str:
        return self.relays.pop() if self.relays else "rest"

    async def listed(self, size: int) -> list[tuple[datetime, str]]:
        """The whole log, page after page."""
        found: list[tuple[datetime, str]] = []
        token = ""
        while not found or token:
            page = await read_access_log(
                self.subject,
                page_size=size,
                page_token=token,
                others_only=False,
                access_log=self.log,
                waiting=self,
                tokens=TOKENS,
            )
            assert not page.incomplete
            assert len(page.lines) <= size
            found += [line.place for line in page.lines]
            token = page.next_page
            if not page.lines:
                break
        return found


@pytest.fixture(scope="module")
def held(migrated_url, keys, postgres_url) -> Iterator[tuple[asyncio.Runner, Identity, Store]]:
    """Both databases on a loop of their own, for a property tried many times."""
    with native.fresh_database(postgres_url) as url, asyncio.Runner() as runner:
        runner.run(migrate(url, MIGRATIONS, "notifications"))
        running, store = Identity(migrated_url, keys), Store(url)
        runner.run(running.__aenter__())
        runner.run(store.open())
        yield runner, running, store
        runner.run(store.close())
        runner.run(running.__aexit__())


# Most reads commit, and most lists have a relay going on beside them.
READS = st.tuples(
    st.sampled_from(["here", "there", "there"]),
    st.sampled_from([True, True, False]),
    st.integers(0, 3),
)
RELAYING = st.tuples(st.just("relay"), st.sampled_from(RELAYS), st.just(0))
LISTS = st.tuples(
    st.just("list"),
    st.lists(st.sampled_from([*RELAYS, "relay"]), min_size=2, max_size=6),
    st.integers(1, 3),
)
STORIES = st.lists(st.tuples(READS, RELAYING | READS, LISTS), min_size=1, max_size=4).map(
    lambda acts: [step for act in acts for step in act]
)


@example([("there", True, 0), ("list", ["relay"], 1)])
@given(STORIES)
def test_every_committed_read_is_listed_once_whatever_happens_in_between(held, steps):
    runner, identity, store = held
    town = Town(identity, store)

    async def story() -> None:
        for what, how, number in (*steps, ("list", [], 2)):
            at = AT + timedelta(seconds=number)
            if what == "here":
                await town.read_here(commit=how, at=at)
            elif what == "there":
                await town.read_there(commit=how, at=at)
            elif what == "relay":
                await town.relay(how)
            else:
                town.relays = list(how)
                listed = await town.listed(number)
                assert listed == sorted(listed, reverse=True)
                assert sorted(each for _, each in listed) == sorted(town.committed)

    runner.run(story())
