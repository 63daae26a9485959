"""Dates that registers know only in part, and the age they allow."""

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Final

# A neonatal death is one within the first 28 days of life (Office for National Statistics).
NEONATAL: Final = timedelta(days=28)

# 1994, 1994-02 or 1994-02-03.
_BETWEEN: Final = "/"
_PARTIAL = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


def is_partial_date(text: str) -> bool:
    """Whether the text is a year, a month of a year or a day that exists."""
    return _latest(text) is not None


def is_whole_date(text: str) -> bool:
    """Whether the text is a day that exists."""
    return text.count("-") == 2 and is_partial_date(text)  # noqa: PLR2004  # year-month-day


def born_between(text: str) -> tuple[date, date]:
    """The first and the last day a birth date may mean: a partial date, or two with / between them.

    Nothing excludes any day.
    """
    first, _, last = text.partition(_BETWEEN)
    return _first(first) or date.min, _last(last or first) or date.max


def born_before_loss(lost: str) -> str:
    """When a child was born whose loss, stillborn or newborn, has this partial date."""
    first, last = born_between(lost)
    if not is_partial_date(lost):
        return ""
    return f"{max(first, date.min + NEONATAL) - NEONATAL}{_BETWEEN}{last}"


def age_in_years(birth_date: str | None, today: date) -> int | None:
    """Whole years the person has completed for certain; None when unknown or not yet born.

    A partial date counts as its last day, so nobody is taken for older than they are. Someone
    born on 29 February completes a year on 1 March.
    """
    born = _latest(birth_date or "")
    if born is None:
        return None
    year, month, day = born
    age = today.year - year - ((today.month, today.day) < (month, day))
    return age if age >= 0 else None


def _first(text: str) -> date | None:
    found = _PARTIAL.fullmatch(text) if _latest(text) else None
    return date(int(found[1]), int(found[2] or 1), int(found[3] or 1)) if found else None


def _last(text: str) -> date | None:
    latest = _latest(text)
    if latest is None:
        return None
    year, month, day = latest
    return date(year, month, min(day, monthrange(year, month)[1]))


def _latest(text: str) -> tuple[int, int, int] | None:
    """The last day a partial date may mean."""
    found = _PARTIAL.fullmatch(text)
    if found is None:
        return None
    year, month, day = int(found[1]), int(found[2] or 12), int(found[3] or 1)
    try:
        date(year, month, day)
    except ValueError:
        return None
    if found[3]:
        return year, month, day
    # The end of any month: no comparison with a day of the same month comes after it.
    return year, month, 31
