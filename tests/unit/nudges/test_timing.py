"""Due, fresh, too late: counted in days from the occurrence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.nudges.domain.decision import SuppressionReason as Why
from services.nudges.domain.life_event import PartialDate
from services.nudges.domain.timing import Window, parameters, window
from tests.unit.nudges.builders import a_nudge

SECOND = timedelta(seconds=1)


def open_window(nudge, date, now):
    found = window(nudge, date, now)
    assert isinstance(found, Window)
    return found


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("occurred", "last_moment"),
    [
        ("2026-11-18", at("2026-11-29")),
        ("2026-11", at("2026-12-11")),
        ("2026", at("2027-01-11")),
    ],
)
def test_fresh_until_the_end_of_the_last_day_it_may_have_happened(occurred, last_moment):
    nudge = a_nudge(fresh_days=10)
    date = PartialDate.parse(occurred)

    assert window(nudge, date, last_moment - SECOND) == Window(last_moment - SECOND, last_moment)
    assert window(nudge, date, last_moment) is Why.STALE_EVENT


def test_planned_for_the_morning_and_due_at_once_after_it():
    nudge = a_nudge(after_days=14, fresh_days=90)
    date = PartialDate.parse("2026-11-18")
    morning = at("2026-12-02T09:00")

    assert open_window(nudge, date, morning - SECOND).due_at == morning
    assert open_window(nudge, date, morning).due_at == morning
    assert open_window(nudge, date, morning + SECOND).due_at == morning + SECOND


@pytest.mark.parametrize(
    ("occurred", "last_day"), [("2026-11-18", "2026-11-28"), ("2026-11", "2026-11-11")]
)
def test_the_last_day_to_act_is_never_told_too_late(occurred, last_day):
    nudge = a_nudge(fresh_days=90, deadline_days=10)
    date = PartialDate.parse(occurred)
    end = at(last_day) + timedelta(days=1)

    assert parameters(nudge, date) == {"occurred": occurred, "deadline": last_day}
    assert open_window(nudge, date, end - SECOND).expires_at == end
    assert window(nudge, date, end) is Why.DEADLINE_PASSED


def test_a_prompt_that_would_be_due_after_its_deadline_is_none():
    nudge = a_nudge(after_days=14, fresh_days=90, deadline_days=20)

    # In a month known only as such, the deadline counts from its first day, the plan from its last.
    assert window(nudge, PartialDate.parse("2026-11"), at("2026-11-05")) is Why.DEADLINE_PASSED


def test_without_a_deadline_no_text_can_name_one():
    assert parameters(a_nudge(), PartialDate.parse("2026")) == {"occurred": "2026"}
