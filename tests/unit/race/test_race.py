"""The rest of the race that needs no server: its faults, its figures, what it breaks."""

from __future__ import annotations

import json
from itertools import islice

import pytest

from tests.faults.contradiction import Contradiction
from tests.faults.operation import Kind
from tests.race.broken_notifications import BREAKS
from tests.race.ground import LEASE_SECONDS, MUTANTS
from tests.race.result import Raced, latency
from tests.race.storm import plan
from tests.unit.faults.builders import ok

TARGETS = {"withdrawals acknowledged": 2, "claims": 2}
ENOUGH = {"withdrawals acknowledged": 2, "claims": 2}
FOUND = Contradiction("I3", "something passes", (ok(Kind.CLAIM, 1, 2, serial=1),))


def strikes(seed):
    return list(islice(plan(seed), 400))


def test_a_seed_is_a_plan_and_another_seed_another():
    assert strikes(1) == strikes(1) != strikes(2)


def test_a_plan_strikes_every_part_and_at_times_two_at_once():
    faults = [each for _, both in strikes(1) for each in both]

    assert {each.part for each in faults} == {
        "notifications", "notifications_2", "identity", "nudges", "events", "redis", "postgres",
        "postgres backend",
    }  # fmt: skip
    assert {each.kind for each in faults} == {Kind.KILL, Kind.FREEZE, Kind.WIPE}
    assert {len({each.part for each in both}) for _, both in strikes(1)} == {1, 2}


def test_freezes_are_bounded_and_some_outlast_the_lease():
    lasted = [each.seconds for _, both in strikes(1) for each in both if each.kind is Kind.FREEZE]

    assert 0.5 <= min(lasted) <= max(lasted) <= 8.0
    assert max(lasted) > LEASE_SECONDS


def test_stores_are_killed_and_not_frozen():
    kinds = {
        each.kind for _, both in strikes(1) for each in both if each.part.startswith("postgres")
    }

    assert kinds == {Kind.KILL}


def test_every_mutant_can_be_made():
    assert tuple(BREAKS) == MUTANTS


def test_a_no_is_counted_with_the_faults_it_overlaps():
    millisecond = 1_000_000
    said = [(0, 10), (95, 105), (205, 210), (230, 240), (90, 300)]

    found = latency(
        [(begin * millisecond, end * millisecond) for begin, end in said],
        [(100 * millisecond, 200 * millisecond)],
        20 * millisecond,
    )

    assert found["nothing broken"]["count"] == 2
    assert found["something broken"]["count"] == 3
    assert found["something broken"]["longest"] == 210.0


def raced(**values):
    made = Raced(1, values.pop("mutant", ""), TARGETS)
    made.load, made.quiet_after_seconds = dict(ENOUGH), 1.0
    for name, value in values.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("values", "passed"),
    [
        ({}, True),
        ({"contradictions": [FOUND]}, False),
        ({"load": {"claims": 2, "withdrawals acknowledged": 1}}, False),
        ({"quiet_after_seconds": None}, False),
        ({"trouble": "identity was not ready again in time"}, False),
        ({"mutant": "M3"}, False),
        ({"mutant": "M3", "contradictions": [FOUND]}, True),
        ({"mutant": "M3", "contradictions": [FOUND], "trouble": "it did not start"}, False),
    ],
)
def test_a_race_passes_when_enough_happened_and_all_held(values, passed):
    assert raced(**values).passed is passed


def test_both_files_name_what_was_broken_and_the_seed(tmp_path):
    raced(contradictions=[FOUND]).write(tmp_path)

    found = json.loads((tmp_path / "race.json").read_text())
    assert found["invariants"] == {"I2": "held", "I3": "broken: 1", "I18": "held"}
    assert found["seed"] == 1
    text = (tmp_path / "race.md").read_text()
    assert "**not passed**" in text
    assert "claim ok" in text


def test_a_mutant_is_killed_or_survives():
    assert raced(mutant="M3").document()["mutants"] == {"M3": "survived"}
    killed = raced(mutant="M3", contradictions=[FOUND]).document()
    assert killed["mutants"] == {"M3": "killed by I3"}
