"""A process serves only while it can be fenced."""

from __future__ import annotations

import asyncio
import signal

import grpc
import pytest

from services.kit.ids import new_random_id
from services.kit.rpc import reason_of
from services.notifications.entrypoints import dispatcher
from tests.integration.notifications.running import (
    as_a_process,
    eventually,
    http_status,
    in_this_process,
)
from tests.unit.notifications.builders import a_decision, a_nudge_decision
from tests.waiting import heard

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def reason(call) -> str | None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return reason_of(refused.value)


async def test_without_its_lease_a_process_serves_nothing_and_with_it_everything_again(
    around, identity, log
):
    identity.lease_seconds = 1.0
    async with in_this_process(around) as replica:
        mair = replica.person(new_random_id())
        identity.give(mair.subject)
        nudge = a_nudge_decision()
        await log.decide(a_decision(nudge, subject=mair.subject))
        await eventually(mair.inbox)
        async with mair.listening() as stream:
            await stream.got(1)
            identity.refusing_leases = True
            await asyncio.wait_for(stream.ended.wait(), 5)

        assert reason_of(stream.error) == "lease_lost"
        assert stream.error.code() is grpc.StatusCode.UNAVAILABLE
        assert await reason(mair.open(nudge.prompt_id)) == "lease_lost"
        assert await http_status(replica.settings.probe_port) == 503
        waiting = a_nudge_decision()
        with heard(dispatcher.__name__) as said:
            await log.decide(a_decision(waiting, subject=mair.subject))
            await eventually(lambda: ("nothing served", "LeaseLost") in said)
        assert list(await mair.inbox()) == [nudge.prompt_id]

        identity.refusing_leases = False

        await replica.ready()
        async with mair.listening() as stream:
            await stream.got(2)
        assert (await mair.open(waiting.prompt_id)).title


async def test_a_lease_that_identity_forgot_is_asked_for_anew(around, identity, log):
    identity.lease_seconds = 1.0
    async with in_this_process(around) as replica:
        mair = replica.person(new_random_id())
        identity.give(mair.subject)
        async with mair.listening() as stream:
            identity.points.clear()
            await asyncio.wait_for(stream.ended.wait(), 5)
        await eventually(lambda: identity.points)
        await replica.ready()
        async with mair.listening() as again:
            await log.decide(a_decision(subject=mair.subject))
            await again.got(1)
            assert not again.ended.is_set()

    assert reason_of(stream.error) == "lease_lost"


async def test_what_took_effect_while_a_process_was_frozen_holds_when_it_wakes(
    around, identity, log
):
    """Frozen beyond its lease, it is not asked; its first look at the clock must stop it."""
    identity.lease_seconds = 1.0
    async with as_a_process(around) as (replica, process):
        mair = replica.person(new_random_id())
        identity.give(mair.subject)
        nudge = a_nudge_decision()
        await log.decide(a_decision(nudge, subject=mair.subject))
        await eventually(mair.inbox)
        process.send_signal(signal.SIGSTOP)
        opening = asyncio.create_task(mair.open(nudge.prompt_id))
        await eventually(identity.all_leases_over)
        identity.points.clear()
        identity.end(mair.subject)
        process.send_signal(signal.SIGCONT)

        assert await reason(opening) in {"lease_lost", "prompt_withdrawn"}
        await replica.ready()
        assert await reason(mair.open(nudge.prompt_id)) == "prompt_withdrawn"
        identity.give(mair.subject)
        later = a_nudge_decision(epoch=1)
        async with mair.listening() as stream:
            await log.decide(a_decision(later, subject=mair.subject, permission_serial=3))
            assert await stream.got(1) == [later.prompt_id]


async def test_streams_end_at_once_when_the_process_is_told_to_stop(around, identity):
    async with as_a_process(around) as (replica, process):
        async with replica.person(new_random_id()).listening() as stream:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(stream.ended.wait(), 5)

        assert reason_of(stream.error) == "stopping"
        assert await asyncio.wait_for(process.wait(), 15) == 0


async def test_a_withdrawal_no_living_process_heard_of_still_counts(around, identity, log):
    """No process had a lease when it took effect: whoever serves next must ask first."""
    mair = new_random_id()
    identity.give(mair)
    nudge = a_nudge_decision()
    async with in_this_process(around) as before:
        await log.decide(a_decision(nudge, subject=mair))
        await eventually(before.person(mair).inbox)
    identity.points.clear()
    identity.end(mair)

    async with in_this_process(around) as after:
        assert await reason(after.person(mair).open(nudge.prompt_id)) == "prompt_withdrawn"
