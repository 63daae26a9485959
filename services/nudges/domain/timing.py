"""When a prompt is due, until when it is worth showing, and the dates its words may name.

All days are counted from the occurrence. A partial date is taken at its latest possible day where
a prompt would otherwise come too early or be called stale, and at its earliest where the person
would otherwise be told too late a last day. A day ends at midnight UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from services.nudges.domain.decision import SuppressionReason
from services.nudges.domain.life_event import PartialDate
from services.nudges.domain.nudge import Nudge

# A scheduled prompt is due in the morning of its day, never in the night it begins with.
DUE_HOUR_UTC: Final = 9


@dataclass(frozen=True, slots=True)
class Window:
    """From when and until when (exclusive) a prompt may be shown."""

    due_at: datetime
    expires_at: datetime


def window(nudge: Nudge, occurred: PartialDate, now: datetime) -> Window | SuppressionReason:
    """The prompt's window, or why there is none any more."""
    fresh_until = _end_of(occurred.latest, nudge.fresh_days)
    if now >= fresh_until:
        return SuppressionReason.STALE_EVENT
    last_day = deadline(nudge, occurred)
    expires_at = fresh_until if last_day is None else min(fresh_until, _end_of(last_day, 0))
    planned = _morning_of(occurred.latest, nudge.after_days) if nudge.after_days else now
    due_at = max(planned, now)
    if due_at >= expires_at:
        return SuppressionReason.DEADLINE_PASSED
    return Window(due_at, expires_at)


def deadline(nudge: Nudge, occurred: PartialDate) -> date | None:
    """The last day to act, if the nudge has one."""
    if nudge.deadline_days is None:
        return None
    return occurred.earliest + timedelta(days=nudge.deadline_days)


def parameters(nudge: Nudge, occurred: PartialDate) -> Mapping[str, str]:
    """Values for the placeholders of the texts, as data: who renders them knows the language."""
    last_day = deadline(nudge, occurred)
    dates = {"occurred": occurred.text}
    return dates if last_day is None else {**dates, "deadline": last_day.isoformat()}


def _end_of(day: date, days_later: int) -> datetime:
    return datetime.combine(day + timedelta(days=days_later + 1), time(), UTC)


def _morning_of(day: date, days_later: int) -> datetime:
    return datetime.combine(day + timedelta(days=days_later), time(DUE_HOUR_UTC), UTC)
