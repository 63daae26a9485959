"""Values that departments write: identifiers, dates and times, each right or wrong by itself."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

_PARTIAL_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_LOCAL_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?")
_ZONE = re.compile(r"Z|[+-][0-9]{2}:[0-9]{2}")

# HMRC's manual NIM39110: letters never used, and prefixes never allocated.
_NINO = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]")
_FICTITIOUS_NINO = re.compile(r"QQ[0-9]{6}[A-D]")
_NHS_NUMBER = re.compile(r"[0-9]{10}")
_FICTITIOUS_NHS: Final = "999"
# DVLA: surname, decade, month (women + 50), day, year, initials, tie-breaker, check letters;
# Northern Ireland: eight digits.
_DRIVER_NUMBER = re.compile(r"[A-Z9]{5}[0-9]{6}[A-Z9]{2}[A-Z0-9]{3}|[0-9]{8}")
_UTR = re.compile(r"[0-9]{10}")
_POSTCODE = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}")
# Everything of Unicode's class Cc, and the marks that turn the direction of what follows.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

EARLIEST: Final = date(1900, 1, 1)
TOLERANCE: Final = timedelta(minutes=5)
# The day begins first where the clock is fourteen hours ahead.
FIRST_MIDNIGHT: Final = timedelta(hours=14)


class Days(NamedTuple):
    """The days a partial date may mean, first and last included."""

    first: date
    last: date


def is_nino(text: str, *, fictitious: bool) -> bool:
    """Whether a National Insurance number can be issued; QQ ones only where fiction is allowed."""
    plain = _plain(text)
    if fictitious and _FICTITIOUS_NINO.fullmatch(plain):
        return True
    return _NINO.fullmatch(plain) is not None


def is_nhs_number(text: str, *, fictitious: bool) -> bool:
    """Whether the check digit of an NHS number is right; 999… only where fiction is allowed."""
    plain = _plain(text)
    if not _NHS_NUMBER.fullmatch(plain):
        return False
    if plain.startswith(_FICTITIOUS_NHS) and not fictitious:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(plain, range(10, 1, -1), strict=False))
    return (11 - total % 11) % 11 == int(plain[9])


def days(text: str) -> Days | None:
    """The days meant by 2026, 2026-11 or 2026-11-18; None for what is no date."""
    match = _PARTIAL_DATE.fullmatch(text)
    if match is None:
        return None
    year = int(match[1])
    month, day = (None if part is None else int(part) for part in match.groups()[1:])
    try:
        first = date(year, 1 if month is None else month, 1 if day is None else day)
    except ValueError:
        return None
    if day is not None:
        return Days(first, first)
    return Days(first, _last_day(first, whole_year=month is None))


def instant(text: str) -> datetime | None:
    """The moment an RFC 3339 timestamp with a zone names; None for anything else."""
    local = _LOCAL_TIME.match(text)
    if local is None or not _ZONE.fullmatch(text, local.end()):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def broken_format(name: str, value: object) -> str:
    """The code for a value that does not have a named format."""
    if name == "date-time":
        zoneless = isinstance(value, str) and instant(f"{value}Z") is not None
        return "time_zone_required" if zoneless else "time_invalid"
    return {
        "date": "time_invalid",
        "nhs-number": "nhs_number_invalid",
        "nino": "nino_invalid",
        "partial-date": "time_invalid",
    }.get(name, "format_wrong")


def formats(*, fictitious: bool) -> Mapping[str, Callable[[str], bool]]:
    """Every format that a type's schema may name, by name."""
    return {
        "date": lambda text: len(text) == len("2026-11-18") and days(text) is not None,
        "date-time": lambda text: instant(text) is not None,
        "driver-number": lambda text: _DRIVER_NUMBER.fullmatch(_plain(text)) is not None,
        "nhs-number": lambda text: is_nhs_number(text, fictitious=fictitious),
        "nino": lambda text: is_nino(text, fictitious=fictitious),
        "partial-date": lambda text: days(text) is not None,
        "postcode": lambda text: _POSTCODE.fullmatch(text.upper()) is not None,
        "utr": lambda text: _UTR.fullmatch(_plain(text)) is not None,
    }


def instant_fault(moment: datetime, now: datetime) -> str | None:
    """Why a moment cannot be one that a register wrote down by now; None if it can."""
    if moment.date() < EARLIEST:
        return "time_past"
    return "time_future" if moment - now > TOLERANCE else None


def days_fault(meant: Days, now: datetime) -> str | None:
    """Why days cannot have come by now, anywhere on Earth; None if they can."""
    if meant.first < EARLIEST:
        return "time_past"
    return "time_future" if meant.first > (now + FIRST_MIDNIGHT).date() else None


def has_control_characters(text: str) -> bool:
    """Whether a text holds what no name, number or code needs."""
    return _CONTROL.search(text) is not None


def is_nfc(text: str) -> bool:
    """Whether a text is in normalisation form C, so that what looks the same is the same."""
    return unicodedata.is_normalized("NFC", text)


def _last_day(first: date, *, whole_year: bool) -> date:
    if whole_year:
        return date(first.year, 12, 31)
    if first.month == 12:  # noqa: PLR2004  # December
        return date(first.year, 12, 31)
    return date(first.year, first.month + 1, 1) - timedelta(days=1)


def _plain(text: str) -> str:
    return text.replace(" ", "").upper()
