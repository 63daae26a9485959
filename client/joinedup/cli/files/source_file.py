"""A file of events: what kind it is, what stands in it, and what is kept beside it."""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self, cast

from joinedup.cli.files.csv_events import CsvEvents
from joinedup.cli.files.entry import Entry, Mark
from joinedup.cli.files.json_events import json_entries
from joinedup.cli.files.mapping import load_mapping
from joinedup.cli.files.refused_report import RefusedReport, csv_report, json_report
from joinedup.cli.files.resume import Reached, ResumeFile
from joinedup.cli.home import Problem
from joinedup.client.errors import Refused

STDIN: Final = "-"
_CSV: Final = ".csv"
_JSON: Final = frozenset({".json", ".jsonl", ".ndjson"})
_REPORT: Final = ".refused"


class SourceFile:
    """Opens a file; one of CSV with its mapping, which is beside it unless one is given.

    Raises Problem for what cannot be read, CatalogueInvalid for a mapping that is not good.
    """

    def __init__(self, path: Path, mapping: Path | None) -> None:
        self.name = str(path)
        self.path = None if self.name == STDIN else path
        self._mapping = _mapping_of(path, mapping)
        loaded = load_mapping(self._mapping) if self._mapping else None
        self._stream = _open(path)
        self.size = path.stat().st_size if self.path else 0
        try:
            self._rows = CsvEvents(self.name, self._stream, loaded) if loaded else None
        except Problem:
            self._stream.close()
            raise

    def entries(self, mark: Mark) -> Iterator[Entry]:
        """What stands behind a mark."""
        if self._rows is not None:
            return self._rows.entries(mark)
        return json_entries(self.name, self._stream, mark)

    def explained(self, entry: Entry, refused: Refused) -> Refused:
        """A refusal by the platform, in words of the file."""
        return refused if self._rows is None else self._rows.explained(entry, refused)

    def resume_file(self, *about: str) -> ResumeFile | None:
        """Where it is kept how far the file came; None for what cannot be read again."""
        if self.path is None:
            return None
        mapping = hashlib.sha256(self._mapping.read_bytes()).hexdigest() if self._mapping else ""
        return ResumeFile(self.path, (mapping, *about))

    def reached(self, resume: ResumeFile | None) -> Reached:
        """How far an earlier run came; to the beginning when its report is not what it left."""
        found = resume.load() if resume is not None else None
        report = self._report_path
        if found is None or report is None:
            return Reached()
        there = report.stat().st_size if report.exists() else 0
        return found if there >= found.report_bytes else Reached()

    def report(self, kept: int) -> RefusedReport | None:
        """Where what is refused goes, behind what an earlier run left; None for stdin."""
        if self._report_path is None:
            return None
        head, render = csv_report(self._rows.header.raw) if self._rows else (b"", json_report)
        return RefusedReport(self._report_path, head=head, render=render, kept=kept)

    @property
    def _report_path(self) -> Path | None:
        if self.path is None:
            return None
        return self.path.with_name(
            f"{self.path.name}{_REPORT}{'.jsonl' if self._rows is None else _CSV}"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.path is not None:
            self._stream.close()


def _open(path: Path) -> io.BufferedReader:
    if str(path) == STDIN:
        return cast("io.BufferedReader", sys.stdin.buffer)
    try:
        return path.open("rb")
    except OSError as wrong:
        raise Problem("file_unreadable", f"{path}: {type(wrong).__name__}", "check it") from None


def _mapping_of(path: Path, given: Path | None) -> Path | None:
    """The mapping for a file; None for one of JSON."""
    suffix = path.suffix.lower()
    if suffix in _JSON or (given is None and suffix != _CSV):
        return None
    if given is not None:
        return given
    stem = path
    while stem.suffix.lower() in {_CSV, _REPORT}:
        stem = stem.with_suffix("")
    beside = stem.with_name(f"{stem.name}.mapping.yaml")
    if not beside.is_file():
        raise Problem(
            "mapping_missing",
            f"{path} is CSV, and there is no {beside} that says how its rows become events",
            "write one, or name it with --mapping; see docs/how-to/publish-a-file.md",
        )
    return beside
