"""Many events resolved in one call are answered as if they had come one by one."""

from __future__ import annotations

import asyncio
import secrets
from math import inf

import grpc
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from joinedup.identity.v1 import subjects_pb2 as pb
from services.kit import telemetry
from services.kit.ids import new_random_id
from services.kit.rpc import fields_of, reason_of
from tests.builders import (
    BENEFIT,
    a_birth,
    a_child,
    a_death,
    a_mother,
    a_nino,
    a_resolve_request,
)
from tests.integration.identity.running import eventually, in_one_call

pytestmark = pytest.mark.integration

CLAIMANT = pb.Person(role="claimant", identifiers=[a_nino(1)])


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
    ("wrong", "code"),
    [
        (a_birth(a_child("A\0da"), a_mother()), "text_control_char"),
        (a_birth(a_child(), a_mother(), occurred="2026\0"), "text_control_char"),
        (a_birth(a_child(), a_mother(), supersedes="x" * 201), "text_too_long"),
        (a_resolve_request(BENEFIT, [CLAIMANT], {"award_from": "\0"}), "text_control_char"),
        (a_resolve_request(BENEFIT, [CLAIMANT], {"award_from": ["\0"]}), "text_control_char"),
        (a_resolve_request(BENEFIT, [CLAIMANT], {"award_from": inf}), "value_not_allowed"),
    ],
)
async def test_what_no_database_keeps_is_refused_and_the_others_stand(identity, wrong, code):
    fine = a_birth(a_child(), a_mother(a_nino(1)))

    results = await in_one_call(identity, [wrong, fine])

    assert results[0].refused.code == code
    assert results[1].HasField("resolved")


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


async def test_who_needs_more_locks_than_the_database_has_holds_everybody_off(identity):
    many, one = [secrets.token_bytes(32) for _ in range(40_000)], secrets.token_bytes(32)

    async def locked(digests):
        async with identity.store.transaction() as tx:
            await tx.subjects.lock_known(digests)

    async def is_waited_for():
        async with identity.pool.connection() as connection:
            waiting = await connection.execute(
                "SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
                " WHERE NOT granted AND locktype = 'advisory' AND datname = current_database()"
            )
            return await waiting.fetchall()

    async with identity.store.transaction() as tx:
        await tx.subjects.lock_known([one])
        other = asyncio.create_task(locked(many))
        await eventually(is_waited_for)
    await other


async def test_each_sampled_event_sees_its_part_in_its_own_trace(identity):
    running = telemetry.start(
        "test", otlp_endpoint=None, sample_ratio=1.0, instance="1", environment="test"
    )
    collected = InMemorySpanExporter()
    running.traces.add_span_processor(SimpleSpanProcessor(collected))
    sampled, other = "a" * 32, "b" * 32
    parents = [f"00-{sampled}-{'1' * 16}-01", f"00-{other}-{'1' * 16}-00", "", "nonsense-01"]
    events = [a_birth(a_child(), a_mother(a_nino(1)), traceparent=each) for each in parents]

    await in_one_call(identity, events)
    await in_one_call(identity, events[:1])

    spans = [each for each in collected.get_finished_spans() if each.name == "resolve life event"]
    assert [each.context and f"{each.context.trace_id:032x}" for each in spans] == [sampled]
    assert [each.parent and f"{each.parent.span_id:016x}" for each in spans] == ["1" * 16]
