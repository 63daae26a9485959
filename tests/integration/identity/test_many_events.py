"""Many events resolved in one call are answered as if they had come one by one."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from joinedup.identity.v1 import subjects_pb2 as pb
from services.kit.ids import new_random_id
from services.kit.rpc import fields_of, reason_of
from tests.builders import (
    a_birth,
    a_child,
    a_death,
    a_mother,
    a_nino,
    a_resolve_request,
    an_nhs_number,
)
from tests.integration.identity.running import in_one_call

pytestmark = pytest.mark.integration


async def test_each_event_has_its_answer_in_the_order_asked(identity, mair):
    events = [a_birth(a_child(), a_mother(a_nino(number))) for number in (2, 1, 3)]

    results = await in_one_call(identity, events)

    assert results[1].resolved.persons[0].subject == mair
    assert [result.resolved for result in results] == [
        await identity.subjects.Resolve(event) for event in events
    ]


async def test_an_unknown_person_of_several_events_is_one_person(identity):
    events = [a_birth(a_child(f"Child {n}"), a_mother(a_nino(4))) for n in range(20)]

    results = await in_one_call(identity, events)

    assert len({result.resolved.persons[0].subject for result in results}) == 1
    assert len({result.resolved.case_id for result in results}) == 20


async def test_many_calls_at_once_about_the_same_people_agree(identity):
    def events(turn):
        return [a_birth(a_child(f"Child {n}"), a_mother(a_nino(n))) for n in (*range(turn, 30),)]

    answers = await asyncio.gather(*(in_one_call(identity, events(turn)) for turn in range(8)))

    assert all(result.HasField("resolved") for answer in answers for result in answer)
    for n in range(8, 30):
        same = [answer[n - turn].resolved for turn, answer in enumerate(answers)]
        assert len({(each.persons[0].subject, each.case_id) for each in same}) == 1


async def test_one_events_refusal_touches_no_other(identity, mair):
    birth = a_birth(a_child(), a_mother(a_nino(1)))
    fine = a_birth(a_child("Ben"), a_mother(a_nino(1)))
    events = [
        birth,
        a_resolve_request("civil-registration.marriage.registered.v1", [a_child()], {}),
        a_birth(a_child(), a_mother(a_nino(1)), nation="XX"),
        a_birth(a_child()),
        a_death(a_nino(1)),
        a_birth(a_child(), a_mother(), publisher="nrs", supersedes=birth.event_id),
        fine,
    ]

    results = await in_one_call(identity, events)

    assert [result.refused.code for result in results] == [
        "",
        "event_type_unknown",
        "value_not_allowed",
        "role_required",
        "fence_alone",
        "supersedes_another",
        "",
    ]
    assert [result.refused.try_again for result in results] == [False, True, *[False] * 5]
    assert results[6].resolved == await identity.subjects.Resolve(fine)
    [held] = await identity.snapshot(mair)
    assert list(held.flags) == []


@pytest.mark.parametrize(
    ("events", "path", "code"),
    [
        ([a_birth(a_child(), a_mother())] * 2, "events[1].event_id", "duplicate_id"),
        ([pb.ResolveRequest(event_id=new_random_id())] * 501, "events", "list_too_long"),
    ],
)
async def test_a_call_that_makes_no_sense_is_refused_as_a_whole(identity, events, path, code):
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await in_one_call(identity, events)

    assert reason_of(refused.value) == code
    assert fields_of(refused.value) == [(path, code)]


async def test_more_names_than_the_database_locks_at_once_are_resolved_all_the_same(identity):
    def events(turn):
        numbers = [
            a_mother(*(an_nhs_number(10_000 * turn + 8 * n + i) for i in range(8)))
            for n in range(480)
        ]
        return [a_birth(a_child(), mother) for mother in numbers]

    answers = await asyncio.gather(*(in_one_call(identity, events(turn)) for turn in range(3)))

    assert all(result.HasField("resolved") for answer in answers for result in answer)
