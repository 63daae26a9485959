"""How a column's text becomes a value of an event: what a mapping may declare, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

Convert = Callable[[str], Any]
"""Makes the value of a text that is not empty; raises NotConvertible."""

NAMES: Final = ("date", "moment", "number", "split", "words")
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?")


class NotConvertible(Exception):
    """A text has not the form that the mapping declares; it is never quoted."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def converter(column: Mapping[str, Any]) -> Convert:
    """What a column's entry in a mapping asks for."""
    if "date" in column:
        formats = column["date"]
        return _date([formats] if isinstance(formats, str) else formats)
    if "moment" in column:
        return _moment(column["moment"], ZoneInfo(column["zone"]))
    if "number" in column:
        return _integer if column["number"] == "integer" else _decimal
    if "split" in column:
        return _split(column["split"])
    if "words" in column:
        return _word(column["words"])
    return str


def _date(formats: Sequence[str]) -> Convert:
    wanted = " or ".join(formats)

    def convert(text: str) -> str:
        for each in formats:
            try:
                day = datetime.strptime(text, each).date()  # noqa: DTZ007  # a day has no zone
            except ValueError:
                continue
            # As precise as what was written.
            precise = "2026-11-18" if "%d" in each else "2026-11" if "%m" in each else "2026"
            return day.isoformat()[: len(precise)]
        raise NotConvertible("time_invalid", f"is no date written as {wanted}")

    return convert


def _moment(form: str, zone: ZoneInfo) -> Convert:
    def convert(text: str) -> str:
        try:
            return datetime.strptime(text, form).replace(tzinfo=zone).isoformat()
        except ValueError:
            raise NotConvertible("time_invalid", f"is no moment written as {form}") from None

    return convert


def _split(separator: str) -> Convert:
    def convert(text: str) -> list[str]:
        return [part for each in text.split(separator) if (part := each.strip())]

    return convert


def _word(words: Mapping[str, Any]) -> Convert:
    wanted = ", ".join(words)

    def convert(text: str) -> Any:
        if text not in words:
            raise NotConvertible("value_not_allowed", f"is none of the words {wanted}")
        return words[text]

    return convert


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise NotConvertible("type_wrong", "is no whole number")
    return int(text)


def _decimal(text: str) -> float:
    if not _DECIMAL.fullmatch(text):
        raise NotConvertible("type_wrong", "is no number")
    return float(text)
