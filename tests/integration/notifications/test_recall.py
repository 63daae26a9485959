"""What was streamed and ended unread leaves every screen, also of who comes back later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import grpc
import pytest
import pytest_asyncio
from psycopg import sql

from joinedup.notifications.v1 import prompts_pb2
from services.kit.ids import new_random_id
from services.kit.rpc import reason_of
from services.notifications.adapters.postgres.store import Store
from services.notifications.adapters.postgres.sweep import PostgresSweep
from services.notifications.handlers.sweep_ledger import sweep_ledger
from tests.integration.notifications.running import as_a_process, eventually
from tests.unit.notifications.builders import (
    a_call_off,
    a_decision,
    a_later_decision,
    a_nudge_decision,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def mair(replica, identity):
    person = replica.person(new_random_id())
    identity.give(person.subject)
    return person


@pytest_asyncio.fixture(loop_scope="module")
async def prompt(mair, log):
    nudge = a_nudge_decision()

    async def decide():
        await log.decide(a_decision(nudge, subject=mair.subject))
        return nudge.prompt_id

    return decide


async def test_a_withdrawal_takes_an_unread_prompt_off_the_screen(mair, identity, prompt):
    async with mair.listening() as phone, mair.listening() as tablet:
        prompt_id = await prompt()
        assert await phone.got(1) == await tablet.got(1) == [prompt_id]

        await identity.withdraw(mair.subject)

        assert await phone.took_back(1) == await tablet.took_back(1) == [prompt_id]


async def test_a_device_that_comes_back_is_told_what_was_taken_back_meanwhile(
    mair, identity, prompt
):
    async with mair.listening() as phone:
        prompt_id = await prompt()
        await phone.got(1)
    await identity.withdraw(mair.subject)

    async with mair.listening(phone.frames[-1].cursor) as back:
        assert await back.took_back(1) == [prompt_id]
        cursor = back.withdrawn[-1].cursor
    identity.give(mair.subject)
    async with mair.listening(cursor) as again:
        assert again.withdrawn == []


async def test_a_death_takes_everything_unread_off_the_screen(mair, identity, log):
    nudges = [a_nudge_decision(), a_nudge_decision()]
    async with mair.listening() as phone:
        for nudge in nudges:
            await log.decide(a_decision(nudge, subject=mair.subject))
        await phone.got(2)

        await identity.fence(identity.silence(mair.subject))

        assert set(await phone.took_back(2)) == {nudge.prompt_id for nudge in nudges}


async def test_a_loss_takes_back_what_is_about_that_child_and_the_siblings_prompts_go_on(
    mair, identity, log
):
    lost, sibling = new_random_id(), new_random_id()
    about_the_lost, about_the_sibling, later, too_late = (a_nudge_decision() for _ in range(4))
    async with mair.listening() as phone:
        await log.decide(a_decision(about_the_lost, subject=mair.subject, case_id=lost))
        await log.decide(a_decision(about_the_sibling, subject=mair.subject, case_id=sibling))
        await phone.got(2)

        await identity.fence(identity.close(mair.subject, lost))

        assert await phone.took_back(1) == [about_the_lost.prompt_id]
        await log.decide(a_decision(too_late, subject=mair.subject, case_id=lost))
        await log.decide(a_decision(later, subject=mair.subject, case_id=sibling))
        assert (await phone.got(3))[-1] == later.prompt_id
    assert (await mair.open(about_the_sibling.prompt_id)).title
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await mair.open(about_the_lost.prompt_id)
    assert reason_of(refused.value) == "prompt_withdrawn"


async def test_a_cancelled_event_takes_its_prompt_off_the_screen(mair, log):
    nudge = a_nudge_decision()
    entry = a_decision(nudge, subject=mair.subject)
    async with mair.listening() as phone:
        await log.decide(entry)
        await phone.got(1)

        await log.decide(a_later_decision(entry, a_call_off(nudge), withdraws_entry=True))

        assert await phone.took_back(1) == [nudge.prompt_id]


@pytest.mark.parametrize("channel", ["stream", "inbox"])
async def test_what_was_read_is_not_taken_back(mair, identity, log, prompt, channel):
    unread = a_nudge_decision()
    async with mair.listening() as phone:
        await log.decide(a_decision(unread, subject=mair.subject))
        read = await prompt()
        await phone.got(2)
        await eventually(lambda: _in_inbox(mair, 2))
        await mair.open(read, channel)

        await identity.withdraw(mair.subject)

        # Positions are in order: with the first, every earlier one would have come.
        assert await phone.took_back(1) == [unread.prompt_id]
    identity.give(mair.subject)
    async with mair.listening() as fresh:
        assert await fresh.took_back(1) == [unread.prompt_id]


async def _in_inbox(person, number):
    return len(await person.inbox()) == number


async def test_a_recall_older_than_anything_shown_is_forgotten(mair, identity, prompt, around):
    async with mair.listening() as phone:
        await prompt()
        await phone.got(1)
        await identity.withdraw(mair.subject)
        await phone.took_back(1)
    store = Store(around.database)
    await store.open()
    now = datetime.now(UTC)

    await sweep_ledger(PostgresSweep(store), now=now)
    assert await _recalls(store, mair.subject) == 1
    later = await sweep_ledger(PostgresSweep(store), now=now + timedelta(days=401))

    assert later.forgotten >= 1
    assert await _recalls(store, mair.subject) == 0
    await store.close()


async def _recalls(store, subject):
    rows = await store.one(sql.SQL("SELECT FROM recalls WHERE subject = %s"), (subject,))
    return len(rows)


async def test_what_never_reached_a_stream_is_not_told(mair, identity, prompt):
    prompt_id = await prompt()
    await eventually(mair.inbox)
    await identity.withdraw(mair.subject)

    async with mair.listening() as phone:
        state = await mair.respond(prompt_id, prompts_pb2.RESPONSE_RECEIVED)

    assert state == prompts_pb2.STATE_SUPPRESSED
    assert phone.withdrawn == []


async def test_a_device_at_another_replica_is_told_too(around, mair, identity, prompt):
    async with (
        as_a_process(around) as (other, _process),
        other.person(mair.subject).listening() as far,
    ):
        prompt_id = await prompt()
        assert await far.got(1) == [prompt_id]

        await identity.withdraw(mair.subject)

        assert await far.took_back(1) == [prompt_id]
