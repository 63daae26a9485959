"""A withdrawal is said to hold only once no process can act on what was permitted before."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from joinedup.identity.v1 import enforcement_points_pb2 as pb
from joinedup.identity.v1 import permission_set_pb2 as sets
from services.identity.domain.permission import withdraw
from services.identity.ports import EnforcementPoint
from services.kit.rpc import reason_of
from tests.builders import a_death, a_nino, a_register_request
from tests.integration.identity.running import Point, eventually

pytestmark = pytest.mark.integration


@pytest.fixture
async def point(identity, register_point):
    async with Point(identity) as running:
        await register_point(identity, running)
        yield running


async def test_without_a_process_that_serves_it_holds_at_once(identity, mair):
    await identity.give(mair)

    answer = await identity.withdraw(mair)

    assert answer.HasField("took_effect_at")
    assert answer.outstanding == 0


async def test_it_holds_when_the_process_has_confirmed_the_new_set(identity, mair, point):
    await identity.give(mair)

    answer = await identity.withdraw(mair)

    [fenced] = point.fenced
    assert (fenced.subject, fenced.serial) == (mair, 2)
    assert fenced.permissions[0].choice == sets.CHOICE_WITHDRAWN
    assert fenced.permissions[0].epoch == 1
    assert answer.HasField("took_effect_at")
    assert await identity.book.pending_handles(10) == []


async def test_giving_needs_no_fence(identity, mair, point):
    await identity.give(mair)

    assert point.fenced == []
    assert await identity.book.pending_handles(10) == []


async def test_the_answer_waits_for_a_process_that_is_late(identity, mair, point):
    await identity.give(mair)
    point.answering.clear()
    withdrawing = asyncio.create_task(identity.withdraw(mair))
    await point.asked.wait()

    assert not withdrawing.done()
    [held] = await identity.snapshot(mair)
    assert held.permissions[0].choice == sets.CHOICE_WITHDRAWN
    point.answering.set()

    assert (await withdrawing).HasField("took_effect_at")


async def test_a_silent_process_with_a_lease_leaves_it_taking_effect(identity, mair, point):
    await identity.give(mair)
    point.answering.clear()

    answer = await identity.withdraw(mair, patience=1.5)

    assert not answer.HasField("took_effect_at")
    assert answer.outstanding == 1
    assert answer.permission.choice == sets.CHOICE_WITHDRAWN


async def test_what_was_left_is_finished_without_anyone_asking(identity, mair, point):
    await identity.give(mair)
    point.answering.clear()
    await identity.withdraw(mair, patience=1.5)

    point.answering.set()
    assert await identity.fencing.hold_pending() == 0

    answer = await identity.withdraw(mair)
    assert answer.HasField("took_effect_at")
    assert answer.serial == 2


async def test_a_lease_that_runs_out_counts_as_closed(short_leases, register_point):
    identity = short_leases
    async with Point(identity) as point:
        mair = await someone(identity)
        await register_point(identity, point)
        await identity.give(mair)
        point.answering.clear()

        answer = await identity.withdraw(mair)

        assert answer.HasField("took_effect_at")
        assert answer.outstanding == 0


async def test_a_process_nobody_reaches_counts_until_its_lease_runs_out(short_leases):
    identity = short_leases
    mair = await someone(identity)
    await identity.book.register(EnforcementPoint("gone", "127.0.0.1:1"))
    await identity.give(mair)

    answer = await identity.withdraw(mair, patience=1.0)

    assert answer.outstanding == 1

    async def holds():
        return (await identity.withdraw(mair)).HasField("took_effect_at")

    assert await eventually(holds)


async def test_an_older_serial_is_no_confirmation(identity, mair, point):
    await identity.give(mair)
    point.behind = 1

    answer = await identity.withdraw(mair, patience=1.0)

    assert answer.outstanding == 1
    assert not answer.HasField("took_effect_at")


async def test_every_process_must_confirm(identity, mair, point, register_point):
    async with Point(identity) as other:
        await register_point(identity, other)
        await identity.give(mair)
        other.answering.clear()

        answer = await identity.withdraw(mair, patience=1.0)

        assert answer.outstanding == 1
        assert len(point.fenced) == 1
        other.answering.set()
        assert (await identity.withdraw(mair)).HasField("took_effect_at")
        assert len(other.fenced) == 2


async def test_a_second_end_meanwhile_is_confirmed_anew(identity, mair, point, register_point):
    async with Point(identity) as late:
        await register_point(identity, late)
        await identity.give(mair)
        await identity.give(mair, "money", "hmrc")
        late.behind = 1
        withdrawing = asyncio.create_task(identity.withdraw(mair))
        await asyncio.gather(point.asked.wait(), late.asked.wait())

        async with identity.store.transaction() as tx:
            held = (await tx.permissions.lock([mair]))[mair]
            await tx.permissions.save(withdraw(held, "money", "hmrc"), identity.clock.now())
        late.behind = 0

        assert (await withdrawing).HasField("took_effect_at")
        assert [each.serial for each in point.fenced] == [3, 4]
        assert late.fenced[-1].serial == 4
        assert await identity.book.pending_handles(10) == []


async def test_an_older_fence_that_holds_leaves_the_newer_one_asked_for(identity, mair):
    await identity.give(mair)
    async with identity.store.transaction() as tx:
        held = (await tx.permissions.lock([mair]))[mair]
        await tx.permissions.save(withdraw(held, "family", "hmrc"), identity.clock.now())

    await identity.book.complete(mair, 1, identity.clock.now())

    assert await identity.book.pending_handles(10) == [mair]
    assert await identity.store.took_effect_at(mair, "family", "hmrc") is None


async def test_given_again_while_taking_effect_is_told_as_it_stands(identity, mair, point):
    await identity.give(mair)
    point.answering.clear()
    await identity.withdraw(mair, patience=1.0)
    again = await identity.give(mair)
    point.answering.set()

    assert await identity.fencing.hold_pending() == 0

    assert point.fenced[-1].serial == again.serial == 3
    assert point.fenced[-1].permissions[0].epoch == 1


async def test_a_lease_can_be_renewed_while_it_lives_and_not_after(short_leases):
    points = short_leases.points
    granted = await points.Register(
        pb.EnforcementPointsRegisterRequest(instance="one", address="127.0.0.1:1")
    )
    renewed = await points.Renew(pb.RenewRequest(instance="one"))

    assert granted.lease.ToTimedelta() == renewed.lease.ToTimedelta() == short_leases.lease

    async def gone():
        return not await short_leases.book.live_points()

    await eventually(gone)
    for instance in ("one", "never-registered"):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await points.Renew(pb.RenewRequest(instance=instance))
        assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert reason_of(refused.value) == "lease_expired"


async def test_a_death_is_answered_once_everything_is_silent(identity, mair, point):
    answer = await identity.subjects.Resolve(a_death(a_nino(1)))

    [fenced] = point.fenced
    assert list(fenced.flags) == [sets.FLAG_DECEASED]
    assert answer.persons[0].permission_serial == fenced.serial == 1


async def test_a_death_that_is_not_silent_everywhere_is_not_acknowledged(identity, mair, point):
    death = a_death(a_nino(1))
    point.behind = 1

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await identity.subjects.Resolve(death)

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert reason_of(refused.value) == "fence_outstanding"
    [held] = await identity.snapshot(mair)
    assert list(held.flags) == [sets.FLAG_DECEASED]

    with pytest.raises(grpc.aio.AioRpcError):
        await identity.subjects.Resolve(death)
    with pytest.raises(grpc.aio.AioRpcError):
        await identity.subjects.Resolve(a_death(a_nino(1), publisher="nrs"))

    point.behind = 0
    answer = await identity.subjects.Resolve(death)
    assert (answer.persons[0].subject, answer.persons[0].permission_serial) == (mair, 1)


async def test_a_cancelled_death_lifts_the_flag_and_its_return_puts_it_up_again(
    identity, mair, point
):
    death = a_death(a_nino(1))
    await identity.subjects.Resolve(death)

    cancelled = await identity.subjects.Resolve(
        a_death(a_nino(1), reason="cancelled", supersedes=death.event_id)
    )
    [held] = await identity.snapshot(mair)
    assert (held.serial, list(held.flags)) == (2, [])
    assert cancelled.persons[0].permission_serial == 2
    assert len(point.fenced) == 1

    await identity.subjects.Resolve(
        a_death(a_nino(1), reason="cancellation_removed", supersedes=death.event_id)
    )
    [held] = await identity.snapshot(mair)
    assert (held.serial, list(held.flags)) == (3, [sets.FLAG_DECEASED])
    assert point.fenced[-1].serial == 3


async def test_a_death_of_which_two_registers_tell_stands_while_one_does(identity, mair):
    death, other = a_death(a_nino(1)), a_death(a_nino(1), publisher="nrs")
    await identity.subjects.Resolve(death)
    await identity.subjects.Resolve(other)

    await identity.subjects.Resolve(
        a_death(a_nino(1), reason="cancelled", supersedes=death.event_id)
    )

    [held] = await identity.snapshot(mair)
    assert (held.serial, list(held.flags)) == (1, [sets.FLAG_DECEASED])


async def test_a_corrected_death_moves_the_flag_to_whom_it_was_meant_for(identity, mair):
    death = a_death(a_nino(1))
    await identity.subjects.Resolve(death)

    corrected = await identity.subjects.Resolve(
        a_death(a_nino(2), reason="formal_correction", supersedes=death.event_id)
    )

    held, other = await identity.snapshot(mair, corrected.persons[0].subject)
    assert (held.serial, list(held.flags)) == (2, [])
    assert (other.serial, list(other.flags)) == (1, [sets.FLAG_DECEASED])


async def someone(identity):
    return (await identity.register(a_register_request(a_nino(1)))).subject
