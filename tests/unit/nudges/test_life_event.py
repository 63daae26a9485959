"""Dates a register knows only in part, and names a condition may use."""

from __future__ import annotations

from datetime import date

import pytest

from services.nudges.domain.errors import DateUnreadable
from services.nudges.domain.life_event import PartialDate
from tests.unit.nudges.builders import a_life_event


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("2026-11-18", date(2026, 11, 18), date(2026, 11, 18)),
        ("2026-11", date(2026, 11, 1), date(2026, 11, 30)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_a_partial_date_is_a_stretch_of_days(text, earliest, latest):
    found = PartialDate.parse(text)

    assert (found.text, found.earliest, found.latest) == (text, earliest, latest)


@pytest.mark.parametrize(
    "text",
    [
        *("", "26", "2026-", "2026-1", "2026-13", "2026-00", "2026-02-30", "2026-11-00"),
        *("2026-11-18T00:00", "2026-11-18 ", "18-11-2026", "0000", "1799", "3000", "9999-12-31"),
        "٢٠٢٦",
    ],
)
def test_anything_else_is_no_date(text):
    with pytest.raises(DateUnreadable):
        PartialDate.parse(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("facts.multiple_birth", False),
        ("facts.unheard_of", None),
        ("derived.age_years", 32),
        ("derived.record.tenure", "owned"),
        ("derived.record.multiple_birth", None),
        ("nation", "E"),
        ("publisher", "gro"),
    ],
)
def test_a_name_leads_to_its_value_or_to_nothing(name, value):
    assert a_life_event(record={"tenure": "owned"}).known(name) == value
