"""English and Welsh: which of the two a page speaks, and how it writes a date."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

ENGLISH: Final = "en"
WELSH: Final = "cy"
LANGUAGES: Final = (ENGLISH, WELSH)

MONTHS: Final = {
    ENGLISH: (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
    WELSH: (
        "Ionawr", "Chwefror", "Mawrth", "Ebrill", "Mai", "Mehefin",
        "Gorffennaf", "Awst", "Medi", "Hydref", "Tachwedd", "Rhagfyr",
    ),
}  # fmt: skip

_HERE: Final = ZoneInfo("Europe/London")


def chosen_language(asked: str | None, kept: str | None) -> str:
    """The language asked for on this page, else the one kept in the browser, else English."""
    for language in (asked, kept):
        if language in LANGUAGES:
            return language
    return ENGLISH


def other_language(language: str) -> str:
    """The language one may change to."""
    return ENGLISH if language == WELSH else WELSH


def day_in_words(moment: datetime, language: str) -> str:
    """The day of an instant in the United Kingdom, such as 20 November 2026."""
    here = moment.astimezone(_HERE)
    return f"{here.day} {MONTHS[language][here.month - 1]} {here.year}"


def hour_and_minute(moment: datetime) -> str:
    """The time of day in the United Kingdom, such as 14:03."""
    return f"{moment.astimezone(_HERE):%H:%M}"


def to_the_second(moment: datetime) -> str:
    """The time of day in the United Kingdom, such as 14:03:07."""
    return f"{moment.astimezone(_HERE):%H:%M:%S}"
