"""Events of one call are answered exactly as they would be one after the other."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from joinedup.identity.v1 import subjects_pb2 as pb
from services.kit.ids import new_random_id
from services.kit.rpc import reason_of
from tests.builders import (
    BENEFIT,
    BIRTH,
    MOVE,
    NOW,
    a_child,
    a_mother,
    a_nino,
    a_resolve_request,
    an_nhs_number,
)
from tests.integration.identity.running import Identity, in_one_call

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration

REASONS = ("registered", "registered", "formal_correction", "cancelled", "cancellation_removed")
_numbers = count(1000, 10)


async def one_by_one(identity: Identity, events: Any) -> list[pb.ResolveResult]:
    results = []
    for event in events:
        try:
            answer = await identity.subjects.Resolve(event)
            results.append(pb.ResolveResult(resolved=answer))
        except grpc.aio.AioRpcError as refused:
            code = reason_of(refused) or ""
            again = refused.code() is grpc.StatusCode.UNAVAILABLE or code == "event_type_unknown"
            results.append(pb.ResolveResult(refused=pb.ResolveRefusal(code=code, try_again=again)))
    return results


@st.composite
def stories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Events about a few people, children and moves, which correct and cancel each other."""
    size = draw(st.integers(2, 8))
    return [
        {
            "type": draw(st.sampled_from([BIRTH, BIRTH, MOVE, BENEFIT, "unknown.thing.v1"])),
            "numbers": draw(st.lists(st.integers(0, 2), min_size=1, max_size=2)),
            "by_nhs_number": draw(st.booleans()),
            "child": draw(st.sampled_from(["", "Ada", "Ben"])),
            "reason": draw(st.sampled_from(REASONS)),
            "before": draw(st.none() | st.integers(0, size - 1)),
            "minutes": draw(st.integers(0, 3)),
            "sequence": draw(st.sampled_from([0, 0, 1, 2])),
        }
        for _ in range(size)
    ]


def told(story: list[dict[str, Any]]) -> list[pb.ResolveRequest]:
    """The story's events about people nobody was told of yet."""
    base, ids = next(_numbers), [new_random_id() for _ in story]

    def person(role: str, number: int, *, by_nhs_number: bool) -> pb.Person:
        marks = [a_nino(base + number)]
        if by_nhs_number and role == "mother":
            marks = [an_nhs_number(base + number), *marks[: number % 2]]
        return a_mother(*marks, role=role)

    def event(own: str, said: dict[str, Any]) -> pb.ResolveRequest:
        roles = {BIRTH: ("mother", "father"), BENEFIT: ("claimant", "partner")}
        pairs = zip(roles.get(said["type"], ("mover",)), said["numbers"], strict=False)
        persons = [person(*each, by_nhs_number=said["by_nhs_number"]) for each in pairs]
        facts = {"award_from": f"2026-10-0{1 + said['minutes']}"}
        return a_resolve_request(
            said["type"],
            [a_child(said["child"]), *persons] if said["type"] == BIRTH else persons,
            facts if said["type"] == BENEFIT else {},
            event_id=own,
            reason=said["reason"],
            supersedes="" if said["before"] is None else ids[said["before"]],
            registered_at=NOW + timedelta(minutes=said["minutes"]),
            sequence=said["sequence"],
        )

    return [event(*each) for each in zip(ids, story, strict=True)]


def plain(events: list[pb.ResolveRequest], results: Any) -> list[str]:
    """Answers with every id replaced by when it was first seen."""
    seen = {event.event_id: number for number, event in enumerate(events)}

    def number(id_: str) -> str:
        return str(seen.setdefault(id_, len(seen))) if id_ else ""

    for result in results:
        answer = result.resolved
        answer.case_id = number(answer.case_id)
        answer.root_event_id = number(answer.root_event_id)
        for each in answer.persons:
            each.subject = number(each.subject)
    return [str(result) for result in results]


@pytest.fixture(scope="module")
def held(migrated_url, keys) -> Iterator[tuple[asyncio.Runner, Identity]]:
    """Identity on a loop of its own, for properties tried many times."""
    with asyncio.Runner() as runner:
        running = Identity(migrated_url, keys)
        runner.run(running.__aenter__())
        yield runner, running
        runner.run(running.__aexit__())


@given(stories())
def test_many_are_answered_exactly_as_one_after_the_other(held, story):
    runner, identity = held
    first, second = told(story), told(story)

    together = runner.run(in_one_call(identity, first))
    apart = runner.run(one_by_one(identity, second))

    assert plain(first, together) == plain(second, apart)
