"""Dates that registers know only in part, and the age they allow."""

import re
from datetime import date

# 1994, 1994-02 or 1994-02-03.
_PARTIAL = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


def is_partial_date(text: str) -> bool:
    """Whether the text is a year, a month of a year or a day that exists."""
    return _latest(text) is not None


def is_whole_date(text: str) -> bool:
    """Whether the text is a day that exists."""
    return text.count("-") == 2 and is_partial_date(text)  # noqa: PLR2004  # year-month-day


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
