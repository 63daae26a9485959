"""An entry made in error is withdrawn: what still has time comes back, as one message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import grpc
import psycopg
import pytest
import pytest_asyncio

from joinedup.nudges.v1 import decision_pb2
from services.kit.ids import new_random_id
from services.kit.rpc import reason_of
from tests.integration.notifications.running import eventually
from tests.unit.notifications.builders import (
    a_call_off,
    a_decision,
    a_later_decision,
    a_nudge_decision,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


@pytest_asyncio.fixture(loop_scope="module")
async def mair(replica, identity):
    person = replica.person(new_random_id())
    identity.give(person.subject)
    return person


async def shown(mair, log, phone, *nudges, **about):
    """Prompts that stand on a device's screen, unread."""
    before = len(phone.prompts)
    for nudge in nudges:
        await log.decide(a_decision(nudge, subject=mair.subject, **about))
    await phone.got(before + len(nudges))
    await eventually(lambda: _lists(mair, *nudges))


async def _lists(mair, *nudges):
    listed = await mair.inbox()
    return all(each.prompt_id in listed for each in nudges)


async def refusal(mair, prompt_id, channel="inbox"):
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await mair.open(prompt_id, channel)
    return reason_of(refused.value)


async def test_a_death_entered_in_error_brings_one_message_with_all_that_has_time(
    mair, identity, log
):
    first, second = a_nudge_decision(), a_nudge_decision()
    late = a_nudge_decision(parameters={"occurred": "2026-08-01", "deadline": YESTERDAY})
    async with mair.listening() as phone:
        await shown(mair, log, phone, first, second, late)
        await identity.fence(identity.silence(mair.subject))
        assert len(await phone.took_back(3)) == 3

        await identity.fence(identity.revive(mair.subject))

        digest = (await phone.got(4))[-1]
    assert digest not in {first.prompt_id, second.prompt_id, late.prompt_id}
    await eventually(lambda: _is_all(mair, {digest}))
    content = await mair.open(digest, "stream")
    assert content.title == "Some suggestions are open to you again"
    assert {part.prompt_id for part in content.parts} == {first.prompt_id, second.prompt_id}
    assert all(part.title and part.link and part.why.how_to_object for part in content.parts)
    welsh = await mair.open(digest, language="cy")
    assert welsh.title == "Mae rhai awgrymiadau ar agor i chi eto"
    assert await refusal(mair, first.prompt_id) == "prompt_withdrawn"


async def _is_all(mair, prompts):
    return set(await mair.inbox()) == prompts


async def test_a_loss_told_in_error_brings_back_what_was_about_that_child(mair, identity, log):
    about, other = a_nudge_decision(), a_nudge_decision()
    case = new_random_id()
    async with mair.listening() as phone:
        await shown(mair, log, phone, about, case_id=case)
        await shown(mair, log, phone, other, case_id=new_random_id())
        await identity.fence(identity.close(mair.subject, case))
        await phone.took_back(1)

        await identity.fence(identity.close(mair.subject))

        digest = (await phone.got(3))[-1]
    assert [each.prompt_id for each in (await mair.open(digest, "stream")).parts] == [
        about.prompt_id
    ]


async def test_what_was_read_or_called_off_or_is_no_longer_permitted_does_not_come_back(
    mair, identity, log
):
    read, called_off, stays = (a_nudge_decision() for _ in range(3))
    entry = a_decision(called_off, subject=mair.subject)
    async with mair.listening() as phone:
        await shown(mair, log, phone, read, stays)
        await log.decide(entry)
        await phone.got(3)
        await mair.open(read.prompt_id, "stream")
        await identity.fence(identity.silence(mair.subject))
        await phone.took_back(2)
        await log.decide(a_later_decision(entry, a_call_off(called_off), withdraws_entry=True))
        marker = a_nudge_decision()
        await identity.fence(identity.revive(mair.subject))
        digest = (await phone.got(4))[-1]
        await log.decide(a_decision(marker, subject=mair.subject))
        await phone.got(5)
    await mair.open(marker.prompt_id, "stream")
    parts = {each.prompt_id for each in (await mair.open(digest, "stream")).parts}
    assert stays.prompt_id in parts
    assert read.prompt_id not in parts
    assert called_off.prompt_id not in parts


async def test_a_no_takes_back_what_came_back(mair, identity, log):
    async with mair.listening() as phone:
        await shown(mair, log, phone, a_nudge_decision())
        await identity.fence(identity.silence(mair.subject))
        await phone.took_back(1)
        await identity.fence(identity.revive(mair.subject))
        digest = (await phone.got(2))[-1]

        await identity.withdraw(mair.subject)

        assert (await phone.took_back(2))[-1] == digest
    assert await refusal(mair, digest, "stream") == "prompt_withdrawn"


async def test_a_flag_that_returns_takes_the_message_back_and_its_end_brings_another(
    mair, identity, log
):
    nudge = a_nudge_decision()
    async with mair.listening() as phone:
        await shown(mair, log, phone, nudge)
        await identity.fence(identity.silence(mair.subject))
        await phone.took_back(1)
        await identity.fence(identity.revive(mair.subject))
        first = (await phone.got(2))[-1]

        await identity.fence(identity.silence(mair.subject))
        assert (await phone.took_back(2))[-1] == first
        await identity.fence(identity.revive(mair.subject))

        second = (await phone.got(3))[-1]
    assert second != first
    assert [each.prompt_id for each in (await mair.open(second, "stream")).parts] == [
        nudge.prompt_id
    ]


async def test_what_waits_for_its_day_comes_back_on_that_day(mair, identity, log, around):
    later = a_nudge_decision(
        outcome=decision_pb2.OUTCOME_SCHEDULED, due_at=datetime.now(UTC) + timedelta(days=3)
    )
    async with mair.listening() as phone:
        await log.decide(a_decision(later, subject=mair.subject))
        await shown(mair, log, phone, nudge := a_nudge_decision())
        await identity.fence(identity.silence(mair.subject))
        await phone.took_back(1)

        await identity.fence(identity.revive(mair.subject))

        digest = (await phone.got(2))[-1]
    assert [each.prompt_id for each in (await mair.open(digest, "stream")).parts] == [
        nudge.prompt_id
    ]
    with psycopg.connect(around.database) as connection:
        waiting = connection.execute(
            "SELECT l.not_before > now() FROM ledger l"
            " JOIN digest_parts p ON p.digest_id = l.prompt_id WHERE p.prompt_id = %s",
            (later.prompt_id,),
        ).fetchall()
    assert waiting == [(True,), (True,)]


async def test_nothing_to_bring_back_brings_nothing(mair, identity, log):
    await identity.fence(identity.silence(mair.subject))
    async with mair.listening() as phone:
        await identity.fence(identity.revive(mair.subject))

        await shown(mair, log, phone, nudge := a_nudge_decision())

        assert phone.prompts == [nudge.prompt_id]


async def test_each_part_of_the_message_leaves_a_line_in_the_access_log(mair, identity, log):
    first, second = a_nudge_decision(), a_nudge_decision()
    async with mair.listening() as phone:
        await shown(mair, log, phone, first, second)
        await identity.fence(identity.silence(mair.subject))
        await phone.took_back(2)
        await identity.fence(identity.revive(mair.subject))
        digest = (await phone.got(3))[-1]

    await mair.open(digest, "stream")

    async def told() -> bool:
        lines = [each for each in identity.lines if each.subject == mair.subject]
        return {first.prompt_id, second.prompt_id} <= {each.prompt_id for each in lines}

    await eventually(told)
