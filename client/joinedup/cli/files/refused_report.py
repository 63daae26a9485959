"""The refused entries of a file in a file of their own, to be mended there and sent again."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

from joinedup.cli.files.entry import CUT, Entry
from joinedup.cli.files.mapping import REFUSED_COLUMNS
from joinedup.cli.home import Problem
from joinedup.cli.output import describe
from joinedup.client.errors import Refused

Refusal = Refused | Problem
Render = Callable[[Entry, Refusal], bytes]

_OWNER_ALONE: Final = 0o600
# The two columns at the end of a row that was reported before.
_REPORTED: Final = re.compile(rb',[a-z0-9_]*,"[^"]*"\Z')
_NOT_JSON: Final = ("json_", "text_", CUT)


class RefusedReport:
    """Written only when something is refused; readable by its owner alone.

    `kept` bytes of what the run wrote before it was interrupted stay. The report of another run,
    which may have been mended already, moves to `.old`. Raises OSError.
    """

    def __init__(self, path: Path, *, head: bytes, render: Render, kept: int) -> None:
        self.path = path
        self._head = head
        self._render = render
        self._file: BinaryIO | None = None
        self.bytes = kept
        if kept:
            os.truncate(path, kept)
        elif path.exists():
            path.replace(path.with_name(f"{path.name}.old"))

    def add(self, entry: Entry, refusal: Refusal) -> None:
        """Report one; raises OSError."""
        if self._file is None:
            self._file = self._open()
        self.bytes += self._file.write(self._render(entry, refusal))

    def flush(self) -> None:
        """Let what was added be in the file; raises OSError."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _open(self) -> BinaryIO:
        if not self.bytes:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ALONE)
            file = os.fdopen(descriptor, "wb")
            self.bytes = file.write(self._head)
            return file
        return self.path.open("ab")


def json_report(entry: Entry, refusal: Refusal) -> bytes:
    """A line for an event from a JSON file: why it was refused, and the event or its text."""
    described = describe(refusal)
    about = {"line": entry.number, **{k: described[k] for k in ("code", "detail")}}
    about["errors"] = described.get("errors", [])
    told: dict[str, object] = {"refused": about}
    if described["code"].startswith(_NOT_JSON):
        # Bytes that are no text become escapes, and the same bytes again when they are read.
        told["text"] = entry.raw.decode("utf-8", "surrogateescape")
    else:
        told["event"] = json.loads(entry.raw)
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def csv_report(header: bytes) -> tuple[bytes, Render]:
    """The header of a report about a CSV file with the given one, and what makes its rows."""
    columns = ",".join(REFUSED_COLUMNS).encode()
    again = header.endswith(b"," + columns)

    def render(entry: Entry, refusal: Refusal) -> bytes:
        raw = _REPORTED.sub(b"", entry.raw) if again else entry.raw
        described = describe(refusal)
        detail = in_words(described).removeprefix(f"{entry.place} ")
        in_a_cell = detail.replace('"', "'").replace("\n", " ")
        return raw + f',{described["code"]},"{in_a_cell}"\n'.encode()

    return (header if again else header + b"," + columns) + b"\n", render


def in_words(described: Mapping[str, Any]) -> str:
    """An error in one line, for a person: its faults, or else what is wrong as a whole."""
    errors = described.get("errors", ())
    faults = "; ".join(f"{each['pointer']} {each['code']}: {each['detail']}" for each in errors)
    return faults or str(described["detail"])
