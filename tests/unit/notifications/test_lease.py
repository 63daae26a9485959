from __future__ import annotations

from datetime import timedelta

import pytest

from services.kit.clock import ManualClock
from services.notifications.domain.errors import LeaseLost
from services.notifications.domain.lease import Confirmed, ServingLease
from tests.unit.notifications.builders import NOW


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def lease(clock: ManualClock) -> ServingLease:
    return ServingLease(clock.monotonic)


def test_a_process_that_never_asked_may_not_serve(lease: ServingLease):
    assert not lease.alive
    with pytest.raises(LeaseLost):
        lease.require()


def test_a_lease_counts_from_before_it_was_asked_for(lease: ServingLease, clock: ManualClock):
    asked_at = clock.monotonic()
    clock.advance(timedelta(seconds=4))
    lease.begin(asked_at, 10)

    assert lease.remaining_seconds() == 6
    clock.advance(timedelta(seconds=6))
    assert not lease.alive


def test_another_time_of_day_does_not_prolong_it(lease: ServingLease, clock: ManualClock):
    lease.begin(clock.monotonic(), 10)
    clock.set(NOW - timedelta(days=1))
    clock.advance(timedelta(seconds=10))

    assert not lease.alive


def test_a_renewal_prolongs_a_living_lease_only(lease: ServingLease, clock: ManualClock):
    lease.begin(clock.monotonic(), 10)
    clock.advance(timedelta(seconds=5))
    lease.renew(clock.monotonic(), 10)
    clock.advance(timedelta(seconds=9))
    assert lease.alive

    clock.advance(timedelta(seconds=1))
    lease.renew(clock.monotonic(), 10)
    assert not lease.alive


def test_who_was_read_in_an_earlier_term_must_be_read_again(
    lease: ServingLease, clock: ManualClock
):
    lease.begin(clock.monotonic(), 10)
    confirmed = Confirmed(lease)
    confirmed.add(["mair"], lease.term)
    assert confirmed.missing(["mair", "nia"]) == ["nia"]

    lease.end()
    lease.begin(clock.monotonic(), 10)

    assert confirmed.missing(["mair", "nia"]) == ["mair", "nia"]


def test_what_was_begun_in_one_term_is_not_finished_in_the_next(
    lease: ServingLease, clock: ManualClock
):
    lease.begin(clock.monotonic(), 10)
    term = lease.term
    lease.require(term)
    lease.end()
    lease.begin(clock.monotonic(), 10)

    lease.require()
    with pytest.raises(LeaseLost):
        lease.require(term)


def test_an_answer_that_was_asked_for_in_an_earlier_term_does_not_count(
    lease: ServingLease, clock: ManualClock
):
    lease.begin(clock.monotonic(), 10)
    confirmed = Confirmed(lease)
    asked_in = lease.term
    lease.end()
    lease.begin(clock.monotonic(), 10)

    confirmed.add(["mair"], asked_in)

    assert confirmed.missing(["mair"]) == ["mair"]
