"""A publisher has its rate and a store of it, and is told how long to wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.domain.rate import Allowance, Limits
from tests.laws import law

TEN = Limits(events_per_second=10, burst=20)


def test_a_quiet_publisher_may_send_its_burst_at_once():
    allowance = Allowance.full(TEN, at=0.0)

    assert [allowance.take(1, at=0.0) for _ in range(20)] == [0.0] * 20
    assert allowance.take(1, at=0.0) == pytest.approx(0.1)


def test_what_was_not_enough_takes_nothing():
    allowance = Allowance.full(TEN, at=0.0)
    allowance.take(15, at=0.0)

    assert allowance.take(10, at=0.0) == pytest.approx(0.5)
    assert allowance.take(5, at=0.0) == 0.0


def test_more_than_the_burst_is_let_in_when_it_is_full_and_paid_for_afterwards():
    allowance = Allowance.full(TEN, at=0.0)

    assert allowance.take(50, at=0.0) == 0.0
    assert allowance.take(1, at=0.0) == pytest.approx(3.1)
    assert allowance.take(1, at=3.2) == 0.0


@law
@given(st.lists(st.tuples(st.integers(1, 30), st.floats(0, 5)), max_size=40))
def test_nobody_sends_more_than_the_rate_and_one_burst(sends):
    allowance, at, taken = Allowance.full(TEN, at=0.0), 0.0, 0
    for events, later in sends:
        at += later
        wait = allowance.take(events, at)
        if wait:
            at += wait + 1e-6
            assert allowance.take(events, at) == 0.0
        taken += events
        # One taking may go into debt by as much as it is larger than the burst.
        assert taken <= TEN.burst + at * TEN.events_per_second + max(0, events - TEN.burst) + 1e-3
