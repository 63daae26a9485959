"""Files as `joinedup publish` reads them: entry by entry, and again from behind any entry."""

from __future__ import annotations

import io
import json
from collections.abc import Hashable, Iterable
from functools import cache
from typing import Final

from deploy.local.settings import ROOT
from joinedup.cli.files.csv_events import CsvEvents
from joinedup.cli.files.entry import Entry, Mark
from joinedup.cli.files.json_events import json_entries
from joinedup.cli.files.mapping import FileMapping, load_mapping
from joinedup.cli.home import Problem
from joinedup.client.errors import Refused
from tests.fuzz.fuzzer import CANARY
from tests.fuzz.targets import batch_seeds, structured_seeds

_FILES: Final = ROOT / "protos" / "examples" / "files"


def csv_seeds() -> list[bytes]:
    """The example files, with the canary in a field of each column, and quoted."""
    births, moves = ((_FILES / name).read_bytes() for name in ("births.csv", "moves.csv"))
    header, first, *_ = births.splitlines()
    fields = first.split(b",")
    planted = [[*fields[:at], CANARY.encode(), *fields[at + 1 :]] for at in range(len(fields))]
    rows = [b",".join(each) for each in planted]
    return [births, moves, b"\n".join((header, *rows)), header + b'\r\n"a ""b"",\nc",' + first]


def csv_file(case: bytes) -> Hashable:
    """A CSV file with the mapping of the example."""
    try:
        events = CsvEvents("births.csv", io.BufferedReader(io.BytesIO(case)), _mapping())
    except Problem as problem:
        return _code(problem)
    found = list(events.entries(Mark()))
    for at, each in enumerate(found[:3]):
        again = CsvEvents("births.csv", io.BufferedReader(io.BytesIO(case)), _mapping())
        assert _places(again.entries(each.end)) == _places(found[at + 1 :])
    return _told(case, found)


def json_seeds() -> list[bytes]:
    """One event, arrays and lines of them."""
    bodies = [each for each in structured_seeds() if b"\n" not in each]
    lines = [b"\n".join(bodies[at : at + 4]) for at in range(0, len(bodies), 4)]
    return [*structured_seeds(), *batch_seeds(), *lines]


def json_file(case: bytes) -> Hashable:
    """A file of JSON: one event, an array of them, or one a line."""
    found = list(json_entries("events.json", io.BufferedReader(io.BytesIO(case)), Mark()))
    for at, each in enumerate(found[:-1][:3]):
        stream = io.BufferedReader(io.BytesIO(case))
        rest = json_entries("events.json", stream, each.end)
        assert _places(rest) == _places(found[at + 1 :])
    return _told(case, found)


def _places(entries: Iterable[Entry]) -> list[tuple[str, bytes, Mark]]:
    return [(each.place, each.raw, each.end) for each in entries]


def _told(case: bytes, found: list[Entry]) -> Hashable:
    ends = [each.end.offset for each in found]
    assert ends == sorted(ends)
    assert all(end <= len(case) for end in ends)
    for each in found:
        if each.fault is None:
            told = json.loads(each.body)
            assert isinstance(told, dict)
            assert each.about == {name: told.get(name) for name in each.about}
    return len(found), frozenset(_code(each.fault) for each in found)


def _code(fault: Problem | Refused | None) -> str:
    if fault is None:
        return ""
    errors = fault.errors if isinstance(fault, Refused) else ()
    words = " ".join((str(fault), *(f"{each.pointer} {each.detail}" for each in errors)))
    assert CANARY not in words
    return fault.code


@cache
def _mapping() -> FileMapping:
    return load_mapping(_FILES / "births.mapping.yaml")
