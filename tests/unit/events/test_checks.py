"""Identifiers, dates and times are told right from wrong, fiction from fact."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.events.domain import checks

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", ["AB123456C", "ab 12 34 56 c", "JG103759A", "ZY999999D"])
def test_a_nino_that_can_be_issued(text):
    assert checks.is_nino(text, fictitious=False)


@pytest.mark.parametrize(
    "text",
    [
        "QQ123456C",  # never issued
        *("DA123456C", "FA123456C", "IA123456C", "QA123456C", "UA123456C", "VA123456C"),
        *("AD123456C", "AF123456C", "AI123456C", "AO123456C", "AQ123456C", "AU123456C"),
        *("BG123456C", "GB123456C", "NK123456C", "KN123456C", "TN123456C", "NT123456C"),
        *("ZZ123456C", "AB123456E", "AB123456", "AB1234567C", "AB12345C", "", "AB123456C\n"),
        "AB\u0661\u0662\u0663\u0664\u0665\u0666C",
    ],
)
def test_a_nino_that_cannot_be_issued(text):
    assert not checks.is_nino(text, fictitious=False)


def test_a_fictitious_nino_is_one_where_fiction_is_allowed():
    assert checks.is_nino("QQ123456C", fictitious=True)
    assert not checks.is_nino("QQ123456E", fictitious=True)


@pytest.mark.parametrize("text", ["9434765919", "943 476 5919", "4010232137"])
def test_an_nhs_number_with_the_right_check_digit(text):
    assert checks.is_nhs_number(text, fictitious=False)


@pytest.mark.parametrize("text", ["943476591", "94347659190", "943476591X", ""])
def test_what_has_not_ten_digits_is_no_nhs_number(text):
    assert not checks.is_nhs_number(text, fictitious=True)


def test_a_fictitious_nhs_number_is_one_where_fiction_is_allowed():
    assert checks.is_nhs_number("9990123454", fictitious=True)
    assert not checks.is_nhs_number("9990123454", fictitious=False)
    assert not checks.is_nhs_number("9990123455", fictitious=True)


@given(st.integers(0, 10**9 - 1))
def test_at_most_one_check_digit_is_right(nine):
    right = [d for d in range(10) if checks.is_nhs_number(f"{nine:09d}{d}", fictitious=True)]

    total = sum(int(d) * w for d, w in zip(f"{nine:09d}", range(10, 1, -1), strict=True))
    assert len(right) == (0 if total % 11 == 1 else 1)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("2026-11-18", date(2026, 11, 18), date(2026, 11, 18)),
        ("9999-12", date(9999, 12, 1), date(9999, 12, 31)),
    ],
)
def test_a_partial_date_means_its_days(text, first, last):
    assert checks.days(text) == (first, last)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "26",
        "2026-13",
        "2026-00",
        "2026-02-30",
        "2025-02-29",
        "0000",
        "2026-1",
        "2026-11-18T",
        "2026-11-18\n",
        "20261118",
    ],
)
def test_what_is_no_date_means_none(text):
    assert checks.days(text) is None


@pytest.mark.parametrize(
    "text",
    ["2026-11-20T10:00:00Z", "2026-11-20T10:00:00.123456789+01:00", "2026-11-20T10:00:00-00:00"],
)
def test_a_timestamp_with_a_zone_is_a_moment(text):
    assert checks.instant(text) is not None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-11-20T10:00:00", "time_zone_required"),
        ("2026-11-20T10:00:00.5", "time_zone_required"),
        ("2026-02-30T10:00:00Z", "time_invalid"),
        ("2026-02-30T10:00:00", "time_invalid"),
        ("2026-11-20T25:00:00Z", "time_invalid"),
        ("2026-11-20T23:59:60Z", "time_invalid"),
        ("2026-11-20T10:00:00+25:00", "time_invalid"),
        ("2026-11-20 10:00:00Z", "time_invalid"),
        ("2026-11-20", "time_invalid"),
        ("", "time_invalid"),
        (5, "time_invalid"),
    ],
)
def test_a_broken_timestamp_is_told_apart_from_one_without_zone(text, code):
    assert not isinstance(text, str) or checks.instant(text) is None
    assert checks.broken_format("date-time", text) == code


@settings(max_examples=40)
@given(st.text(max_size=40))
def test_no_text_breaks_a_check(text):
    for check in checks.formats(fictitious=True).values():
        assert check(text) in {True, False}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-11-20T10:05:00Z", None),
        ("2026-11-20T10:05:01Z", "time_future"),
        ("2099-01-01T00:00:00Z", "time_future"),
        ("9999-12-31T23:59:59-14:00", "time_future"),
        ("1900-01-01T00:00:00Z", None),
        ("1899-12-31T23:59:59Z", "time_past"),
        ("0001-01-01T00:00:00+14:00", "time_past"),
    ],
)
def test_a_moment_lies_between_1900_and_now(text, code):
    moment = checks.instant(text)

    assert moment is not None
    assert checks.instant_fault(moment, NOW) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026", None),
        ("2026-11-21", None),  # has begun where the clock is ahead
        ("2026-11-22", "time_future"),
        ("2026-12", "time_future"),
        ("1899", "time_past"),
        ("9999-12-31", "time_future"),
    ],
)
def test_days_lie_between_1900_and_today_anywhere(text, code):
    meant = checks.days(text)

    assert meant is not None
    assert checks.days_fault(meant, NOW) == code


def test_marks_that_turn_the_writing_direction_are_control_characters():
    assert checks.has_control_characters("Ada\u202eaveB")
    assert checks.has_control_characters("Ada\n")
    assert not checks.has_control_characters("Siân O’Neill-Ńowak 張")


def test_only_a_composed_text_is_in_form_c():
    assert checks.is_nfc("Si\u00e2n")
    assert not checks.is_nfc("Sia\u0302n")


@pytest.mark.parametrize("text", ["PARRY503146OL9AB", "SINCL955020F99CD", "12345678"])
def test_driver_numbers_of_both_agencies_have_their_form(text):
    assert checks.formats(fictitious=False)["driver-number"](text)
