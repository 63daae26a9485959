"""The rows of a CSV file, of which a broken one spoils no other.

The standard library's reader would read on, past an unclosed quote, to the next one or to the end
of the file; so a row that does not fit the header is broken by its first line alone, and reading
goes on at its second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from joinedup.cli.files.entry import CUT, Mark
from joinedup.cli.files.lines import LONGEST_LINE, Line, Lines

# RFC 4180: quoted, with doubled quotes inside; or without any quote.
_FIELD: Final = re.compile(r'"((?:[^"]|"")*+)"|([^",]*+)')


@dataclass(frozen=True, slots=True)
class Row:
    """A row with its fields, or with the code of what is wrong with it."""

    number: int
    raw: bytes
    end: Mark
    fields: tuple[str, ...] = ()
    fault: str = ""


def rows(lines: Lines, width: int) -> Iterator[Row]:
    """Every row that is not blank; a good one has as many fields as `width` says."""
    for first in lines:
        if first.blank:
            continue
        taken = [first, *_following(first, lines)]
        raw = b"\n".join(line.raw for line in taken)
        fields, fault = _read(raw, width)
        if taken[-1].overlong:
            fault = CUT if len(taken) == 1 else "csv_quote"
        if fault and len(taken) > 1:
            lines.put_back(taken[1:])
            taken, raw = [first], first.raw
        yield Row(first.number, raw, taken[-1].end, fields, fault)


def split(text: str) -> tuple[str, ...] | None:
    """The fields of a row; None when its quotes are not as they should be."""
    if '"' not in text:
        return tuple(text.split(","))
    found: list[str] = []
    at = 0
    while field := _FIELD.match(text, at):
        quoted, plain = field.groups()
        found.append(plain if quoted is None else quoted.replace('""', '"'))
        at = field.end()
        if at == len(text):
            return tuple(found)
        if text[at] != ",":
            return None
        at += 1
    return None


def _following(first: Line, lines: Lines) -> list[Line]:
    """The lines that a quote, which the first one opens, runs on over."""
    quotes, size = first.raw.count(b'"'), len(first.raw)
    taken: list[Line] = []
    while quotes % 2 and not first.overlong:
        line = next(lines, None)
        if line is None:
            break
        taken.append(line)
        quotes += line.raw.count(b'"')
        size += len(line.raw)
        if size > LONGEST_LINE or line.overlong:
            break
    return taken


def _read(raw: bytes, width: int) -> tuple[tuple[str, ...], str]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return (), "text_encoding"
    if "\0" in text:
        return (), "text_encoding"
    fields = split(text)
    if fields is None:
        return (), "csv_quote"
    return (fields, "") if len(fields) == width else ((), "csv_columns")
