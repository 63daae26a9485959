"""The events of a CSV file, row by row, as its mapping says."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any, Final

from joinedup.cli.files.csv_rows import Row, rows, split
from joinedup.cli.files.entry import CUT, Entry, Mark, about
from joinedup.cli.files.lines import Line, Lines
from joinedup.cli.files.mapping import FileMapping, Rows
from joinedup.cli.home import Problem
from joinedup.client.errors import Fault, Refused
from joinedup.client.event_body import body_of

# Code → what is wrong, and what to do; nothing of the row is quoted.
_FAULTS: Final[Mapping[str, tuple[str, str]]] = {
    CUT: ("is longer than 64 KiB", "no event is; does an unclosed quote join lines?"),
    "csv_columns": ("has not as many columns as the header", "quote what holds a comma"),
    "csv_quote": (
        "has a quote that is not closed, or not doubled",
        'put the whole field in quotes, and double each " inside it',
    ),
    "text_encoding": ("is not UTF-8, or holds a NUL", "write the file in UTF-8"),
}


def read_header(stream: io.BufferedReader[Any]) -> tuple[Line, tuple[str, ...]]:
    """The first line of a file, and the columns that it names."""
    line = next(Lines(stream, Mark()), None)
    try:
        names = split(line.raw.decode()) if line is not None and not line.overlong else None
    except UnicodeDecodeError:
        names = None
    if line is None or line.blank or names is None:
        detail = "the first line does not name the columns"
        raise Problem("header_missing", detail, "write the header in UTF-8, names apart by commas")
    return line, tuple(name.strip() for name in names)


class CsvEvents:
    """Reads one file; `name` is what it is called. Raises Problem where its header does not fit."""

    def __init__(self, name: str, stream: io.BufferedReader[Any], mapping: FileMapping) -> None:
        self._name = name
        self._stream = stream
        self.header, names = read_header(stream)
        self._width = len(names)
        self._rows: Rows = mapping.rows(f"{name}:1", names)

    def entries(self, mark: Mark) -> Iterator[Entry]:
        """The entries behind a mark; the stream can go elsewhere if the mark does."""
        if mark.offset:
            self._stream.seek(mark.offset)
        lines = Lines(self._stream, mark if mark.offset else self.header.end)
        for row in rows(lines, self._width):
            yield self._entry(row)

    def explained(self, entry: Entry, refused: Refused) -> Refused:
        """A refusal by the platform, with the column that each place's value came from."""
        fields, columns = split(entry.raw.decode()), dict[str, str]()
        if fields is None or not refused.errors:
            return refused
        self._rows.event(fields, columns)
        faults = []
        for each in refused.errors:
            name = columns.get(each.pointer)
            detail = f"column {name}: {each.detail}" if name else each.detail
            faults.append(Fault(each.pointer, each.code, detail))
        return Refused(
            refused.code,
            refused.detail,
            status=refused.status,
            errors=tuple(faults),
            trace_id=refused.trace_id,
        )

    def _entry(self, row: Row) -> Entry:
        place = f"{self._name}:{row.number}"
        if row.fault:
            what, fix = _FAULTS[row.fault]
            problem = Problem(row.fault, f"{place} {what}", fix)
            return Entry(place, row.number, row.raw, row.end, fault=problem)
        try:
            event = self._rows.event(row.fields)
            body = body_of(event)
        except Refused as refused:
            return Entry(place, row.number, row.raw, row.end, fault=refused)
        return Entry(place, row.number, row.raw, row.end, body, about(event))
