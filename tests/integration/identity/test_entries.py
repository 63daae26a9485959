"""What a register says of an entry, in any order, ends in one record; a fact told twice is one."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from joinedup.identity.v1 import subjects_pb2 as pb
from services.identity.ports import Asking
from services.kit.ids import new_random_id
from tests.builders import (
    BENEFIT,
    DEATH,
    NOW,
    a_birth,
    a_child,
    a_death,
    a_mother,
    a_nino,
    a_register_request,
    a_resolve_request,
)
from tests.integration.identity.running import Identity, in_one_call

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration

FIELDS = ["universal_credit_from", "postcode"]
_numbers = count(500_000, 10)


def a_benefit(number: int = 1, day: int = 1, **changed: Any) -> pb.ResolveRequest:
    claimant = pb.Person(role="claimant", identifiers=[a_nino(number)], postcode=f"CF10 {day}AA")
    facts = {"award_from": f"2026-10-{day:02d}", "has_children": True}
    return a_resolve_request(BENEFIT, [claimant], facts, **{"publisher": "dwp"} | changed)


def about(before: pb.ResolveRequest, reason: str, **changed: Any) -> dict[str, Any]:
    return {"reason": reason, "supersedes": before.event_id, **changed}


async def stands(identity: Identity, event: pb.ResolveRequest) -> str:
    answer = await identity.subjects.Resolve(event)
    return f"{answer.standing} {answer.root_event_id}"


async def known_of(identity: Identity, *handles: str) -> list[Any]:
    """What is known of people now, by whoever asks."""
    async with identity.store.transaction() as tx:
        asking = [Asking(handle, "", None) for handle in handles]
        found = await tx.subjects.profiles(asking, FIELDS)
    async with identity.store.transaction() as tx:
        sets = await tx.permissions.read(handles)
    return [
        (found[each].fulfilled_types, dict(found[each].record), sets[each].flags)
        for each in handles
    ]


async def test_a_late_original_feeds_nothing_that_is_shown(identity, mair):
    wrong = a_benefit(1, 1)
    right = a_benefit(1, 2, **about(wrong, "formal_correction"))

    assert await stands(identity, right) == f"in_force {right.event_id}"
    assert await stands(identity, wrong) == f"replaced {right.event_id}"

    [(types, record, _)] = await known_of(identity, mair)
    assert (types, record["universal_credit_from"]) == ((BENEFIT,), "2026-10-02")


async def test_the_late_original_of_a_cancelled_death_puts_up_no_flag(identity, mair):
    death = a_death(a_nino(1))

    await stands(identity, a_death(a_nino(1), **about(death, "cancelled")))
    standing = await stands(identity, death)

    assert standing.startswith("cancelled ")
    [(types, _, flags)] = await known_of(identity, mair)
    assert (types, flags) == ((), frozenset())


async def test_what_was_brought_back_counts_anew(identity, mair):
    benefit = a_benefit()
    cancelled = a_benefit(**about(benefit, "cancelled"))
    restored = a_benefit(**about(cancelled, "cancellation_removed"))
    corrected = a_benefit(1, 9, **about(restored, "typographical"))

    answers = [await stands(identity, e) for e in (benefit, cancelled, restored, corrected)]

    old, new = benefit.event_id, restored.event_id
    assert answers == [*[f"in_force {old}"] * 2, *[f"in_force {new}"] * 2]
    [(_, record, _)] = await known_of(identity, mair)
    assert record == {"universal_credit_from": "2026-10-09", "postcode": "CF109AA"}


async def test_the_same_fact_from_another_publisher_is_repeated(identity):
    first = a_birth(a_child("Ada"), a_mother(a_nino(1)))
    other = a_birth(a_child("ADA"), a_mother(a_nino(1)), publisher="nrs")

    assert await stands(identity, first) == f"in_force {first.event_id}"
    assert await stands(identity, other) == f"repeated {first.event_id}"

    await stands(identity, a_birth(*first.persons, **about(first, "cancelled")))
    again = a_birth(a_child("Ada"), a_mother(a_nino(1)))
    assert await stands(identity, again) == f"repeated {first.event_id}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Twins without a name must not be taken for one.
        (a_birth(a_child(""), a_mother(a_nino(1))), a_birth(a_child(""), a_mother(a_nino(1)))),
        (a_birth(a_child(), a_mother(a_nino(1))), a_birth(a_child(), a_mother(a_nino(2)))),
        (a_benefit(1, 1), a_benefit(1, 2)),
        (a_benefit(1, 1), a_benefit(1, 1, occurred="2026-11-19")),
        (a_benefit(1, 1), a_benefit(1, 1, reason="typographical")),
    ],
)
async def test_another_fact_is_no_repetition(identity, one, other):
    assert await stands(identity, one) == f"in_force {one.event_id}"
    assert await stands(identity, other) == f"in_force {other.event_id}"


async def test_a_fact_that_was_cancelled_is_told_again(identity, mair):
    first, again = a_benefit(), a_benefit()
    await stands(identity, first)
    await stands(identity, a_benefit(**about(first, "cancelled")))

    assert await stands(identity, again) == f"in_force {again.event_id}"
    [(types, record, _)] = await known_of(identity, mair)
    assert (types, record["universal_credit_from"]) == ((BENEFIT,), "2026-10-01")


async def test_a_child_that_two_cases_may_mean_is_of_the_one_opened_first(identity):
    first = await identity.subjects.Resolve(a_birth(a_child(), a_mother(a_nino(1))))
    await identity.subjects.Resolve(a_birth(a_child(), a_mother(a_nino(2))))
    both = [a_mother(a_nino(2)), a_mother(a_nino(1), role="father")]

    answer = await identity.subjects.Resolve(a_birth(a_child(), *both))

    assert answer.case_id == first.case_id


async def test_statements_of_one_entry_at_once_are_answered_one_after_the_other(identity, mair):
    first = a_benefit()
    chain = [first]
    for day in range(2, 12):
        late = {"registered_at": NOW + timedelta(minutes=day)}
        chain.append(a_benefit(1, day, **about(chain[-1], "formal_correction", **late)))

    await asyncio.gather(*(identity.subjects.Resolve(each, timeout=20) for each in chain))

    [(types, record, _)] = await known_of(identity, mair)
    assert (types, record["universal_credit_from"]) == ((BENEFIT,), "2026-10-11")


@st.composite
def stories(draw: st.DrawFn) -> dict[str, Any]:
    """What a register says of one entry, each naming any earlier one, and the ways it comes."""
    size = draw(st.integers(2, 5))
    numbered = draw(st.sampled_from([(0,), (1,), (0, 1)]))
    reasons = ["formal_correction", "typographical", "cancelled", "cancellation_removed"]
    return {
        "type": draw(st.sampled_from([BENEFIT, DEATH])),
        "reasons": ["registered", *(draw(st.sampled_from(reasons)) for _ in range(size - 1))],
        "before": [None, *(draw(st.integers(0, number - 1)) for number in range(1, size))],
        "about": [draw(st.integers(0, 1)) for _ in range(size)],
        "sequence": [(n + 1) * draw(st.sampled_from(numbered)) for n in range(size)],
        "order": draw(st.permutations(range(size))),
        "again": draw(st.lists(st.integers(0, size - 1), max_size=2)),
        "together": draw(st.booleans()),
    }


def told(story: dict[str, Any], base: int) -> list[pb.ResolveRequest]:
    """The statements in the order they were made."""
    ids = [new_random_id() for _ in story["reasons"]]
    columns = ("reasons", "before", "about", "sequence")
    events = []
    for day, said in enumerate(zip(*(story[each] for each in columns), strict=True)):
        reason, before, number, sequence = said
        changed = {
            "event_id": ids[day],
            "reason": reason,
            "supersedes": "" if before is None else ids[before],
            "sequence": sequence,
            "registered_at": NOW + timedelta(minutes=day),
        }
        if story["type"] == DEATH:
            events.append(a_death(a_nino(base + number), **changed))
        else:
            events.append(a_benefit(base + number, day + 1, **changed))
    return events


@pytest.fixture(scope="module")
def held(migrated_url, keys) -> Iterator[tuple[asyncio.Runner, Identity]]:
    """Identity on a loop of its own, for properties tried many times."""
    with asyncio.Runner() as runner:
        running = Identity(migrated_url, keys)
        runner.run(running.__aenter__())
        yield runner, running
        runner.run(running.__aexit__())


async def ends_in(identity: Identity, story: dict[str, Any], *, mixed: bool) -> list[Any]:
    """What is known of the story's two people after it."""
    base = next(_numbers)
    people = [await identity.register(a_register_request(a_nino(base + n))) for n in (0, 1)]
    events = told(story, base)
    order = [*story["order"], *story["again"]] if mixed else range(len(events))
    if mixed and story["together"] and story["type"] != DEATH:
        await in_one_call(identity, [events[place] for place in story["order"]])
    for place in order:
        await identity.subjects.Resolve(events[place])
    return await known_of(identity, *(person.subject for person in people))


@settings(max_examples=100)
@given(stories())
def test_any_order_of_what_is_said_ends_in_the_same_record_flags_and_types(held, story):
    runner, identity = held

    in_order = runner.run(ends_in(identity, story, mixed=False))
    mixed = runner.run(ends_in(identity, story, mixed=True))

    assert mixed == in_order
