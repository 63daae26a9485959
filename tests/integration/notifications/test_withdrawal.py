"""A person says no: what was on its way ends, on every device and in the inbox, and at once."""

from __future__ import annotations

import asyncio
import statistics
import time

import grpc
import psycopg
import pytest
import pytest_asyncio

from joinedup.notifications.v1 import decisions_pb2, fences_pb2, prompts_pb2
from joinedup.nudges.v1 import decision_pb2
from services.kit.ids import new_random_id
from services.kit.rpc import reason_of
from tests.integration.notifications.running import eventually
from tests.unit.notifications.builders import (
    a_decision,
    a_given_row,
    a_nudge_decision,
    a_set_message,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
TRIES = 10
SUPPRESSED, EXPIRED = prompts_pb2.STATE_SUPPRESSED, prompts_pb2.STATE_EXPIRED


async def deliveries(person, nudge) -> set[tuple[str, int, str]]:
    request = decisions_pb2.ExplainRequest(id=nudge.prompt_id)
    try:
        explained = await person.explain(request)
    except grpc.aio.AioRpcError as unknown:
        if unknown.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        return set()
    return {
        (each.channel, each.state, each.reason)
        for decision in explained.decisions
        for told in decision.nudges
        if told.prompt_id == nudge.prompt_id
        for each in told.deliveries
    }


async def refusal(call) -> tuple[grpc.StatusCode, str | None, str | None]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value.code(), reason_of(refused.value), refused.value.details()


WITHDRAWN = (grpc.StatusCode.FAILED_PRECONDITION, "prompt_withdrawn", "prompt withdrawn")


@pytest_asyncio.fixture(loop_scope="module")
async def mair(replica, identity):
    person = replica.person(new_random_id())
    identity.give(person.subject)
    return person


async def test_after_a_withdrawal_nothing_unread_can_be_seen_or_opened(
    mair, replica, identity, log
):
    nudge = a_nudge_decision()
    async with mair.listening() as stream:
        await log.decide(a_decision(nudge, subject=mair.subject))
        await stream.got(1)
        await eventually(mair.inbox)

        (answer,) = await identity.withdraw(mair.subject)

        assert await refusal(mair.open(nudge.prompt_id, "stream")) == WITHDRAWN
        assert await refusal(mair.open(nudge.prompt_id, "inbox")) == WITHDRAWN
    assert answer.serial == 2
    assert await mair.inbox() == {}
    assert await deliveries(mair, nudge) == {
        ("inbox", SUPPRESSED, "withdrawn"),
        ("stream", SUPPRESSED, "withdrawn"),
    }
    identity.give(mair.subject)
    later = a_nudge_decision(epoch=1)
    async with mair.listening() as again:
        await log.decide(a_decision(later, subject=mair.subject, permission_serial=3))
        assert await again.got(1) == [later.prompt_id]


async def test_what_was_decided_before_a_no_never_comes_after_a_later_yes(mair, identity, log):
    await identity.withdraw(mair.subject)
    identity.give(mair.subject)
    before, after = a_nudge_decision(epoch=0), a_nudge_decision(epoch=1)
    async with mair.listening() as stream:
        await log.decide(a_decision(before, subject=mair.subject, permission_serial=1))
        await log.decide(a_decision(after, subject=mair.subject, permission_serial=3))
        assert await stream.got(1) == [after.prompt_id]

    assert {reason for _, _, reason in await deliveries(mair, before)} <= {"stale", "withdrawn"}
    assert list(await mair.inbox()) == [after.prompt_id]


async def test_what_was_opened_before_stays_listed_but_is_not_shown_again(mair, identity, log):
    nudge = a_nudge_decision()
    await log.decide(a_decision(nudge, subject=mair.subject))
    await eventually(mair.inbox)
    await mair.open(nudge.prompt_id)

    await identity.withdraw(mair.subject)

    assert await mair.inbox() == {nudge.prompt_id: prompts_pb2.STATE_OPENED}
    assert await refusal(mair.open(nudge.prompt_id)) == WITHDRAWN


async def test_a_death_silences_everything_statutory_notices_too(
    mair, identity, log, around, replica
):
    keep_statutory_nudge(around.database)
    notice = a_nudge_decision(nudge="money.notice", epoch=0)
    held = a_nudge_decision(
        nudge="money.notice", outcome=decision_pb2.OUTCOME_SCHEDULED, due_at=notice.expires_at
    )
    await identity.withdraw(mair.subject)
    await log.decide(a_decision(notice, held, subject=mair.subject, permission_serial=2))
    assert await eventually(mair.inbox) == {notice.prompt_id: prompts_pb2.STATE_SENT}
    assert (await mair.open(notice.prompt_id)).title

    await identity.fence(identity.silence(mair.subject))

    assert {reason for _, _, reason in await deliveries(mair, held)} == {"deceased"}
    assert await refusal(mair.open(notice.prompt_id)) == WITHDRAWN


def keep_statutory_nudge(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO nudge_versions (id, major, minor, version, document)"
            " SELECT 'money.notice', 1, 0, '1.0', jsonb_set(document, '{lawful_basis}',"
            " '\"statutory_notice\"') FROM nudge_versions WHERE id = 'family.child-benefit'"
            " ORDER BY minor LIMIT 1"
        )


async def test_an_older_set_changes_nothing(mair, replica, identity, log):
    await identity.withdraw(mair.subject)
    older = a_set_message(mair.subject, 1, a_given_row())

    answer = await replica.fences.Fence(fences_pb2.FenceRequest(permissions=older))
    status = await replica.fences.Status(fences_pb2.StatusRequest(subject=mair.subject))
    unknown = await replica.fences.Status(fences_pb2.StatusRequest(subject=new_random_id()))

    assert (answer.serial, status.serial, unknown.serial) == (2, 2, 0)


async def test_a_change_on_the_log_is_taken_without_a_fence(mair, replica, identity, log):
    nudge = a_nudge_decision()
    await log.decide(a_decision(nudge, subject=mair.subject))
    await eventually(mair.inbox)
    ended = identity.end(mair.subject)

    await log.tell(ended)
    await log.tell(a_set_message(mair.subject, 1, a_given_row()))

    async def gone() -> bool:
        return not await mair.inbox()

    await eventually(gone)
    status = await replica.fences.Status(fences_pb2.StatusRequest(subject=mair.subject))
    assert status.serial == ended.serial


async def test_a_channel_that_is_not_permitted_gets_nothing_and_the_other_does(mair, identity, log):
    identity.give(mair.subject, channels=["inbox"])
    nudge = a_nudge_decision()
    async with mair.listening() as stream:
        await log.decide(a_decision(nudge, subject=mair.subject, permission_serial=2))
        await eventually(mair.inbox)
        await eventually(lambda: _stopped(mair, nudge))
        assert stream.prompts == []


async def _stopped(person, nudge) -> bool:
    return ("stream", SUPPRESSED, "channel_not_permitted") in await deliveries(person, nudge)


async def test_a_prompt_whose_time_is_over_expires(mair, log):
    over = a_nudge_decision(expires_at=a_nudge_decision().due_at.ToDatetime().replace(year=2020))
    await log.decide(a_decision(over, subject=mair.subject))

    async def expired() -> bool:
        return {state for _, state, _ in await deliveries(mair, over)} == {EXPIRED}

    await eventually(expired)
    assert (await refusal(mair.open(over.prompt_id)))[1] in {"prompt_unknown", "prompt_withdrawn"}


async def test_permission_that_is_newer_than_the_gate_is_read_through(mair, replica, identity, log):
    """Whoever says yes just before the event is never told no for want of news."""
    first = a_nudge_decision()
    await log.decide(a_decision(first, subject=mair.subject))
    await eventually(mair.inbox)
    identity.give(mair.subject, epoch=4)
    second = a_nudge_decision(epoch=4)

    await log.decide(a_decision(second, subject=mair.subject, permission_serial=2))

    async def arrived() -> bool:
        return second.prompt_id in await mair.inbox()

    await eventually(arrived)


async def test_while_identity_is_away_prompts_wait_and_none_is_lost(mair, identity, log):
    identity.away = True
    nudge = a_nudge_decision()
    await log.decide(a_decision(nudge, subject=mair.subject))
    await eventually(lambda: deliveries(mair, nudge))
    asked = identity.turned_away
    await eventually(lambda: identity.turned_away > asked + 1)
    waiting = {state for _, state, _ in await deliveries(mair, nudge)}
    refused = await refusal(mair.open(nudge.prompt_id))

    identity.away = False

    assert waiting == {prompts_pb2.STATE_NEW}
    assert refused[:2] == (grpc.StatusCode.UNAVAILABLE, "permissions_unavailable")
    await eventually(mair.inbox)


async def test_withdrawals_among_openings_let_nothing_be_opened_after_their_answer(
    replica, identity, log
):
    """Ten people, each opening all the time while their permission ends."""

    async def one() -> tuple[int, float]:
        person = replica.person(new_random_id())
        identity.give(person.subject)
        nudge = a_nudge_decision()
        await log.decide(a_decision(nudge, subject=person.subject))
        await eventually(person.inbox)
        opened, refused, ended = [], [], asyncio.Event()

        async def keep_opening() -> None:
            while not ended.is_set():
                asked = time.monotonic()
                try:
                    await person.open(nudge.prompt_id)
                except grpc.aio.AioRpcError as refusal:
                    if reason_of(refusal) != "prompt_withdrawn":
                        raise
                    refused.append(asked)
                else:
                    opened.append(asked)

        opening = [asyncio.create_task(keep_opening()) for _ in range(3)]
        await eventually(lambda: len(opened) >= TRIES)
        began = time.monotonic()
        await identity.withdraw(person.subject)
        took_effect = time.monotonic()
        await eventually(lambda: len([at for at in refused if at > took_effect]) >= TRIES)
        ended.set()
        await asyncio.gather(*opening)
        assert opened
        assert max(opened) <= took_effect
        return len(opened), took_effect - began

    results = await asyncio.gather(*(one() for _ in range(10)))

    seconds = [took for _, took in results]
    print(f"\nfences under load: median {statistics.median(seconds):.3f} s")  # noqa: T201
    assert max(seconds) < 2.5


async def test_a_fence_is_quick(replica, identity, log):
    seconds = []
    for _ in range(30):
        person = new_random_id()
        identity.give(person)
        await identity.fence(identity.give(person))
        new = identity.end(person)
        began = time.monotonic()
        await identity.fence(new)
        seconds.append(time.monotonic() - began)

    print(f"\nfence: median {statistics.median(seconds) * 1000:.1f} ms")  # noqa: T201
    assert statistics.median(seconds) < 1.0
