"""Time enters in one place, and is never shifted in production."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.clock import ClockShiftRefused, ManualClock, SystemClock, make_clock

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def test_the_system_clock_is_aware_and_in_utc():
    before = datetime.now(UTC)

    now = SystemClock().now()

    assert now.tzinfo is UTC
    assert before <= now <= datetime.now(UTC)


def test_an_offset_moves_the_day_and_not_the_monotonic_seconds():
    shifted = make_clock(30 * 24 * 3600, "local")
    plain = make_clock(0, "production")

    assert timedelta(days=29) < shifted.now() - plain.now() < timedelta(days=31)
    assert abs(shifted.monotonic() - plain.monotonic()) < 1


@pytest.mark.parametrize("offset", [-1, 0.001, 86_400])
def test_production_refuses_any_offset(offset):
    with pytest.raises(ClockShiftRefused):
        make_clock(offset, "production")


def test_a_manual_clock_stands_still():
    clock = ManualClock(START)

    assert (clock.now(), clock.now(), clock.monotonic()) == (START, START, 0.0)


@given(st.lists(st.integers(0, 10**6), max_size=5))
def test_advancing_moves_both_times_by_the_sum(steps):
    clock = ManualClock(START)

    for seconds in steps:
        clock.advance(timedelta(seconds=seconds))

    assert clock.now() == START + timedelta(seconds=sum(steps))
    assert clock.monotonic() == sum(steps)


def test_a_manual_clock_never_advances_backwards():
    with pytest.raises(ValueError, match="forwards"):
        ManualClock(START).advance(timedelta(seconds=-1))


def test_setting_pretends_another_day_and_leaves_monotonic_seconds():
    clock = ManualClock(START)
    elsewhere = datetime(2020, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))

    clock.set(elsewhere)

    assert clock.now() == datetime(2020, 1, 1, tzinfo=UTC)
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() == 0


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        ManualClock(datetime(2026, 1, 1))  # noqa: DTZ001  # the fault under test
