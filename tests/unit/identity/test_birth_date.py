"""Dates that registers know only in part, and the age they allow."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.birth_date import (
    age_in_years,
    born_before_loss,
    born_between,
    is_partial_date,
    is_whole_date,
)

TODAY = date(2026, 11, 20)
days = st.dates(date(1900, 1, 1), date(2026, 11, 20))


@pytest.mark.parametrize(
    ("born", "age"),
    [
        ("1994-11-20", 32),
        ("1994-11-21", 31),
        ("1994-11", 31),
        ("1994-10", 32),
        ("1994", 31),
        ("2026", None),
        ("2026-11-20", 0),
        ("2027-01-01", None),
        ("", None),
        (None, None),
        ("1994-13-01", None),
        ("1994-02-30", None),
        ("soon", None),
        ("0000", None),
    ],
)
def test_age_is_what_is_certain(born, age):
    assert age_in_years(born, TODAY) == age


@pytest.mark.parametrize(
    ("today", "age"),
    [(date(2025, 2, 28), 20), (date(2025, 3, 1), 21), (date(2024, 2, 29), 20)],
)
def test_a_leap_day_completes_a_year_on_the_first_of_march(today, age):
    assert age_in_years("2004-02-29", today) == age


@given(days, days)
def test_a_partial_date_never_makes_anyone_older(born, today):
    whole = age_in_years(born.isoformat(), today)
    month = age_in_years(born.isoformat()[:7], today)
    year = age_in_years(born.isoformat()[:4], today)

    assert (year if year is not None else -1) <= (month if month is not None else -1)
    assert (month if month is not None else -1) <= (whole if whole is not None else -1)


@given(days, st.integers(0, 40_000))
def test_age_never_falls(born, later):
    day = born + timedelta(days=later)

    age = age_in_years(born.isoformat(), day)
    next_day = age_in_years(born.isoformat(), day + timedelta(days=1))

    assert age is not None
    assert next_day in {age, age + 1}


@pytest.mark.parametrize("text", ["1994", "1994-02", "1994-02-03", "2024-02-29"])
def test_a_date_may_be_partial(text):
    assert is_partial_date(text)
    assert is_whole_date(text) == (len(text) == 10)


@pytest.mark.parametrize(
    "text", ["", "94", "1994-2", "1994-00", "2026-02-29", "1994-02-03T10", "1"]
)
def test_what_is_no_date_is_none(text):
    assert not is_partial_date(text)
    assert not is_whole_date(text)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-11-18", date(2026, 11, 18), date(2026, 11, 18)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-10-22/2026-11", date(2026, 10, 22), date(2026, 11, 30)),
        ("", date.min, date.max),
    ],
)
def test_a_birth_date_means_any_day_between_two(text, first, last):
    assert born_between(text) == (first, last)


@pytest.mark.parametrize(
    ("lost", "born"),
    [
        ("2026-11-19", "2026-10-22/2026-11-19"),
        ("2026-11", "2026-10-04/2026-11-30"),
        ("0001-01-01", "0001-01-01/0001-01-01"),
        ("", ""),
    ],
)
def test_a_newborn_who_died_was_born_within_four_weeks_before(lost, born):
    assert born_before_loss(lost) == born
