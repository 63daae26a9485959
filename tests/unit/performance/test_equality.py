"""How well two kinds are told apart by time is said as a statistician would."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.performance.equality import told_apart

TIMES = st.lists(st.integers(0, 9), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("some", "others", "share"),
    [
        ([1.0, 2.0], [3.0, 4.0], 1.0),
        ([3.0, 4.0], [1.0, 2.0], 1.0),
        ([1.0, 4.0], [2.0, 3.0], 0.5),
        ([1.0, 1.0], [1.0, 1.0], 0.5),
        ([1.0, 2.0], [2.0, 3.0], 0.875),
    ],
)
def test_it_is_known_for_a_few(some, others, share):
    assert told_apart(some, others) == share


@given(TIMES, TIMES)
def test_it_is_what_comparing_each_with_each_finds(some, others):
    wins = sum((a > b) + (a == b) / 2 for a in some for b in others) / (len(some) * len(others))

    assert told_apart(some, others) == pytest.approx(max(wins, 1 - wins))


def test_of_one_kind_it_finds_nothing():
    rng = random.Random(7)
    some, others = ([rng.gauss(5, 1) for _ in range(2000)] for _ in range(2))

    assert told_apart(some, others) < 0.53
