"""No platform that keeps the invariants is accused, and a gate that is broken always is."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.checkers import contradictions
from tests.faults.history import merge
from tests.faults.operation import Kind, Result
from tests.faults.permissions import ENDS, nothing_passes_after_an_end
from tests.laws import law
from tests.unit.faults.builders import a_history, ok
from tests.unit.faults.model import STEPS, Platform

platforms = st.builds(Platform, st.randoms(use_true_random=False))
plans = st.lists(st.sampled_from(STEPS), max_size=60)
A_SECOND_YES = ["give", "send", "decide", "end", "give", "claim"]


@law
@given(platforms, plans)
def test_a_platform_that_keeps_its_word_is_never_accused(platform, plan):
    operations = platform.run(plan)

    assert [str(each) for each in contradictions(a_history(*operations))] == []


@given(st.integers(0, 10**6))
def test_nor_is_one_that_runs_for_long(seed):
    chance = Random(seed)
    steps = [each for each in STEPS if each != "die"]

    operations = Platform(chance).run(["give", "confirm", *chance.choices(steps, k=80), "die"])

    assert [str(each) for each in contradictions(a_history(*operations))] == []


@law
@given(platforms, plans, st.data())
def test_a_claim_under_an_epoch_that_ended_is_always_found(platform, plan, data):
    platform.run(plan)
    platform.known = 1.0
    operations = platform.run(["come_back", "give", "end", "give", "end"])
    ends = [
        each
        for each in operations
        if each.kind in ENDS and each.result is Result.OK and each.serial is not None
    ]
    end = data.draw(st.sampled_from(ends))
    late = ok(Kind.CLAIM, 1, 2, serial=platform.serial + 1, epoch=end.epoch - 1, prompt_id="late")

    (found,) = nothing_passes_after_an_end(merge(a_history(late), a_history(*operations)))

    assert found.operations == (end, late)


@pytest.mark.parametrize(
    ("gate", "steps"),
    [
        pytest.param(lambda decided, epoch, given: decided <= epoch and given, A_SECOND_YES),
        pytest.param(lambda decided, epoch, given: decided <= epoch, A_SECOND_YES),
        pytest.param(
            lambda decided, epoch, given: True, ["give", "send", "decide", "end", "claim"]
        ),
    ],
    ids=["at least instead of equal", "no choice asked", "no gate"],
)
@given(chance=st.randoms(use_true_random=False))
def test_a_broken_gate_is_always_found(gate, steps, chance):
    operations = Platform(chance, gate=gate, known=1.0).run(steps)

    (found,) = contradictions(a_history(*operations))

    assert (found.invariant, [each.kind in ENDS for each in found.operations]) == (
        "I3", [True, False],
    )  # fmt: skip
    assert found.operations[1].kind is Kind.CLAIM


def test_the_model_reaches_every_kind_of_step():
    operations = Platform(Random(1)).run(
        ["give", "confirm", "send", "decide", "claim", "open", "open", "open", "show", "leave",
         "open", "come_back", "end", "send", "decide", "die", "replay"]
    )  # fmt: skip

    assert {each.kind for each in operations} > {
        Kind.ISSUE, Kind.CLAIM, Kind.OPEN, Kind.SHOW, Kind.SUPPRESS, Kind.AWAY, Kind.REPLAY,
        Kind.DEATH, Kind.CONFIRM,
    }  # fmt: skip
