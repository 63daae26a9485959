"""The events of JSON files: one event, an array of them, or one a line; read as they are needed."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from joinedup.cli.files.entry import CUT, Entry, Mark, about
from joinedup.cli.files.json_array import elements, is_array
from joinedup.cli.files.lines import LONGEST_LINE, Line, Lines
from joinedup.cli.home import Problem

# One event may be written over many lines, with as much space between its parts as it has text.
_LONGEST_DOCUMENT: Final = 4 * LONGEST_LINE
_REPORTED: Final = frozenset({"refused", "event"}), frozenset({"refused", "text"})
_ONE_A_LINE: Final = "a file holds one JSON event, an array of them, or one JSON event a line"


def json_entries(name: str, stream: io.BufferedReader[Any], mark: Mark) -> Iterator[Entry]:
    """The entries behind a mark; `name` is what the file is called.

    The stream stands at its beginning, and can go elsewhere if the mark does.
    """
    array = is_array(stream.peek())
    if mark.offset:
        stream.seek(mark.offset)
    if array:
        yield from _array(name, elements(stream, mark))
        return
    lines = Lines(stream, mark)
    if not mark.offset and (document := _document(name, lines)):
        yield document
    for line in lines:
        if not line.blank:
            yield _line(name, line)


def _document(name: str, lines: Lines) -> Entry | None:
    """The one event that a file consists of, or should; None when its lines are for themselves."""
    read: list[Line] = []
    size = 0
    first: Line | None = None
    for line in lines:
        read.append(line)
        size += len(line.raw)
        several = first is not None and not line.blank and _object(first.raw) is not None
        if size > _LONGEST_DOCUMENT or line.overlong or several:
            lines.put_back(read)
            return None
        if first is None and not line.blank:
            first = line
    whole = b"\n".join(each.raw for each in read)
    told = _object(whole)
    if told is not None:
        return _entry(name, 1, whole, read[-1].end, told)
    if len(read) > 1 and not any(_object(each.raw) for each in read) and whole.strip():
        return Entry(name, 1, whole, read[-1].end, fault=_fault(name, whole))
    lines.put_back(read)
    return None


def _array(name: str, found: Iterator[tuple[bytes, Mark, bool]]) -> Iterator[Entry]:
    for raw, end, whole in found:
        place = f"{name}[{end.number}]"
        told = _object(raw) if whole else None
        if told is not None:
            yield _entry(place, end.number, raw, end, told)
        elif whole:
            yield Entry(place, end.number, raw, end, fault=_fault(place, raw))
        else:
            detail = f"{place} is where the array stops being JSON, or holds what is no event"
            problem = Problem("json_invalid", detail, "nothing behind it was read; mend it there")
            yield Entry(place, end.number, raw, end, fault=problem)


def _line(name: str, line: Line) -> Entry:
    place = f"{name}:{line.number}"
    if line.overlong:
        problem = Problem(CUT, f"{place} is longer than 64 KiB", "no event is; is it one a line?")
        return Entry(place, line.number, line.raw, line.end, fault=problem)
    told = _object(line.raw)
    if told is None:
        fault = _fault(place, line.raw)
        return Entry(place, line.number, line.raw, line.end, fault=fault)
    if told.keys() in _REPORTED:
        return _reported(place, line, told)
    return _entry(place, line.number, line.raw, line.end, told)


def _reported(place: str, line: Line, told: Mapping[str, Any]) -> Entry:
    """An event that was refused before, from the report about it."""
    event = told.get("event")
    if isinstance(event, dict):
        raw = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        return _entry(place, line.number, raw, line.end, event)
    raw = str(told.get("text", event)).encode("utf-8", "surrogateescape")
    found = _object(raw)
    if found is None:
        return Entry(place, line.number, raw, line.end, fault=_fault(place, raw))
    return _entry(place, line.number, raw, line.end, found)


def _entry(place: str, number: int, raw: bytes, end: Mark, told: Mapping[str, Any]) -> Entry:
    return Entry(place, number, raw, end, raw.strip(), about(told))


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(raw.decode())
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _fault(place: str, raw: bytes) -> Problem:
    """Why a text is no event; no part of it is quoted."""
    try:
        json.loads(raw.decode())
    except UnicodeDecodeError as wrong:
        where = f"{place} is not UTF-8 at its byte {wrong.start + 1}"
        return Problem("text_encoding", where, "write the file in UTF-8")
    except json.JSONDecodeError as wrong:
        if b"\0" in raw:
            return Problem("text_encoding", f"{place} holds a NUL", "take it out")
        code = "json_trailing" if wrong.msg == "Extra data" else "json_invalid"
        where = f"{place}:{wrong.lineno}" if b"\n" in raw else place
        return Problem(code, f"{where}:{wrong.colno} is not JSON", _ONE_A_LINE)
    except RecursionError:
        return Problem("json_depth", f"{place} is nested too deeply", _ONE_A_LINE)
    except ValueError:
        return Problem("json_number", f"{place} holds a number of too many digits", _ONE_A_LINE)
    return Problem("json_not_an_event", f"{place} is not a JSON object", "an event is an object")
