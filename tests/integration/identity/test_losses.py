"""The loss of a baby silences what is about that child, for both parents, and nothing else."""

from __future__ import annotations

import asyncio
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from joinedup.identity.v1.permission_set_pb2 import FLAG_DECEASED
from services.identity.entrypoints import upkeep
from tests.builders import (
    a_baby,
    a_birth,
    a_child,
    a_death,
    a_loss,
    a_mother,
    a_nino,
    a_register_request,
    an_nhs_number,
)
from tests.integration.identity.running import Identity, Point, eventually

if TYPE_CHECKING:
    from joinedup.identity.v1.subjects_pb2 import Person, ResolveRequest, ResolveResponse

pytestmark = pytest.mark.integration

MOTHER, FATHER = a_nino(1), a_nino(2)
MAIR, HUW = a_mother(MOTHER), a_mother(FATHER, role="father")


@pytest.fixture
async def huw(identity: Identity) -> str:
    """The handle of the other parent."""
    registered = await identity.register(a_register_request(FATHER, oidc_sub="huw"))
    return str(registered.subject)


@pytest.fixture
async def point(identity, register_point):
    async with Point(identity) as running:
        await register_point(identity, running)
        yield running


def born(child: Person, *parents: Person, **changed: Any) -> ResolveRequest:
    return a_birth(child, *(parents or (MAIR, HUW)), **changed)


def lost(baby: Person, *parents: Person, **changed: Any) -> ResolveRequest:
    return a_loss(baby, *(parents or (MAIR,)), **changed)


async def tell(identity: Identity, event: ResolveRequest) -> ResolveResponse:
    answer = await identity.subjects.Resolve(event)
    assert isinstance(answer.case_id, str)
    return answer


async def closed(identity: Identity, handle: str) -> set[str]:
    [held] = await identity.snapshot(handle)
    return set(held.closed_cases)


async def doubtful(identity: Identity) -> int:
    return len(await identity.store.doubtful_losses())


async def test_a_loss_closes_the_childs_case_for_both_parents_before_it_is_answered(
    identity, mair, huw, point
):
    birth = await tell(identity, born(a_child("Ada")))

    await tell(identity, lost(a_baby("Ada")))

    assert {each.subject for each in point.fenced} >= {mair, huw}
    for parent in (mair, huw):
        assert await closed(identity, parent) == {birth.case_id}
        assert await identity.book.pending(parent) is None
        [held] = await identity.snapshot(parent)
        assert not held.flags


async def test_a_loss_that_nobody_has_named_closes_the_only_case_it_can_mean(identity, mair, huw):
    birth = await tell(identity, born(a_child("Ada")))

    await tell(identity, lost(a_baby(born="")))

    assert birth.case_id in await closed(identity, mair)
    assert birth.case_id in await closed(identity, huw)
    assert await doubtful(identity) == 0


async def test_a_brother_or_sister_goes_on(identity, mair, huw):
    older = await tell(identity, born(a_child("Ben", "2024-02-03"), occurred="2024-02-03"))
    birth = await tell(identity, born(a_child("Ada")))

    await tell(identity, lost(a_baby(born="")))

    for parent in (mair, huw):
        silent = await closed(identity, parent)
        assert birth.case_id in silent
        assert older.case_id not in silent


async def test_a_named_twins_death_leaves_the_other(identity, mair):
    ada = await tell(identity, born(a_child("Ada")))
    ben = await tell(identity, born(a_child("Ben", sex="M")))

    await tell(identity, lost(a_baby("Ada")))

    assert await closed(identity, mair) == {ada.case_id}
    assert ben.case_id != ada.case_id
    assert await doubtful(identity) == 0


async def test_a_twin_known_by_a_number_is_told_from_the_other(identity, mair):
    first = await tell(identity, born(a_child("", identifiers=[an_nhs_number(1)])))
    await tell(identity, born(a_child("", identifiers=[an_nhs_number(2)])))

    await tell(identity, lost(a_baby("", identifiers=[an_nhs_number(1)])))

    assert await closed(identity, mair) == {first.case_id}


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_two_twins_without_a_name_are_both_held_and_somebody_is_told(identity, mair, order):
    story = [born(a_child("")), born(a_child("")), lost(a_baby(""))]
    cases = {}
    for index in order:
        cases[index] = (await tell(identity, story[index])).case_id

    assert {cases[0], cases[1]} <= await closed(identity, mair)
    assert cases[0] != cases[1]
    assert await doubtful(identity) == 1


async def test_a_correction_that_names_the_twin_frees_the_other(identity, mair):
    ada = await tell(identity, born(a_child("Ada")))
    ben = await tell(identity, born(a_child("Ben")))
    unnamed = lost(a_baby(""))
    await tell(identity, unnamed)
    assert {ada.case_id, ben.case_id} <= await closed(identity, mair)
    assert await doubtful(identity) == 1

    await tell(
        identity, lost(a_baby("Ben"), reason="formal_correction", supersedes=unnamed.event_id)
    )

    assert await closed(identity, mair) == {ben.case_id}
    assert await doubtful(identity) == 0


@pytest.mark.parametrize("name", ["", "Ada"])
async def test_a_loss_told_before_the_birth_by_another_source_holds(identity, mair, huw, name):
    await tell(identity, lost(a_baby("", born=""), occurred="2026-11-19"))

    birth = await tell(identity, born(a_child(name)))

    assert birth.case_id in await closed(identity, mair)
    assert birth.case_id in await closed(identity, huw)
    decided_on = {each.subject: each.permission_serial for each in birth.persons}
    for parent in (mair, huw):
        [held] = await identity.snapshot(parent)
        assert decided_on[parent] == held.serial


async def test_a_named_loss_told_first_leaves_a_twin_of_another_name(identity, mair):
    await tell(identity, lost(a_baby("Ada")))

    ada = await tell(identity, born(a_child("Ada")))
    ben = await tell(identity, born(a_child("Ben")))

    silent = await closed(identity, mair)
    assert ada.case_id in silent
    assert ben.case_id not in silent


async def test_a_child_born_the_year_after_is_not_held(identity, mair):
    await tell(identity, lost(a_baby("", born="")))

    later = await tell(identity, born(a_child("", "2027-12-01"), occurred="2027-12-01"))

    assert later.case_id not in await closed(identity, mair)


async def test_a_parent_who_is_named_later_hears_nothing_either(identity, mair, huw):
    birth = born(a_child("Ada"), MAIR)
    answer = await tell(identity, birth)
    await tell(identity, lost(a_baby("Ada")))
    assert await closed(identity, huw) == set()

    corrected = born(a_child("Ada"), reason="formal_correction", supersedes=birth.event_id)
    again = await tell(identity, corrected)

    assert again.case_id == answer.case_id
    assert await closed(identity, huw) == {answer.case_id}
    [held] = await identity.snapshot(huw)
    assert held.serial == 1


async def test_a_cancelled_loss_lets_everything_go_on_and_its_return_stops_it(identity, mair, huw):
    birth = await tell(identity, born(a_child("Ada")))
    loss = lost(a_baby(""))
    await tell(identity, loss)

    cancelled = lost(a_baby(""), reason="cancelled", supersedes=loss.event_id)
    await tell(identity, cancelled)
    assert await closed(identity, mair) == await closed(identity, huw) == set()

    back = lost(a_baby(""), reason="cancellation_removed", supersedes=cancelled.event_id)
    await tell(identity, back)
    assert birth.case_id in await closed(identity, mair)
    assert birth.case_id in await closed(identity, huw)


async def test_a_loss_of_which_two_tell_stands_while_one_does(identity, mair):
    birth = await tell(identity, born(a_child("Ada")))
    loss = lost(a_baby(""))
    await tell(identity, loss)
    await tell(identity, lost(a_baby("Ada"), publisher="gro"))

    await tell(identity, lost(a_baby(""), reason="cancelled", supersedes=loss.event_id))

    assert birth.case_id in await closed(identity, mair)


async def test_the_death_of_a_child_closes_its_case_for_its_parents(identity, mair, huw, point):
    ada = a_child("Ada", identifiers=[an_nhs_number(1)])
    birth = await tell(identity, born(ada))

    death = a_death(an_nhs_number(1))
    await tell(identity, death)

    assert await closed(identity, mair) == await closed(identity, huw) == {birth.case_id}
    assert {each.subject for each in point.fenced} >= {mair, huw}
    await tell(identity, a_death(an_nhs_number(1), reason="cancelled", supersedes=death.event_id))
    assert await closed(identity, mair) == await closed(identity, huw) == set()


async def test_a_parents_death_closes_no_case_of_theirs(identity, mair, huw):
    await tell(identity, born(a_child("Ada")))

    await tell(identity, a_death(MOTHER))

    assert await closed(identity, huw) == set()
    [held] = await identity.snapshot(mair)
    assert list(held.flags) == [FLAG_DECEASED]
    assert not held.closed_cases


async def test_what_becomes_silent_without_waiting_is_fenced_all_the_same(identity, mair, point):
    """A birth waits for no fence; nobody could act on its case before, but it is made to hold."""
    await tell(identity, lost(a_baby("")))

    birth = await tell(identity, born(a_child("")))

    async def holds() -> bool:
        await identity.fencing.hold_pending()
        return await identity.book.pending(mair) is None

    assert await eventually(holds)
    assert any(birth.case_id in each.closed_cases for each in point.fenced)


async def test_operators_are_told_once_which_loss_is_in_doubt(identity, mair, caplog):
    await tell(identity, born(a_child("")))
    await tell(identity, born(a_child("")))
    loss = lost(a_baby(""))
    await tell(identity, loss)
    stop = asyncio.Event()

    watching = asyncio.create_task(upkeep.keep_doubts_counted(identity.store, stop))

    async def told() -> bool:
        return "a loss may be about more than one child" in caplog.text

    assert await eventually(told)
    stop.set()
    await watching
    [record] = [each for each in caplog.records if "more than one child" in each.message]
    assert record.__dict__["event_id"] == loss.event_id
