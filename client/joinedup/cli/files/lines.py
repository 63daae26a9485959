"""The lines of a file, one at a time, none held that is longer than any event may be."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from joinedup.cli.files.entry import Mark

LONGEST_LINE: Final = 64 * 1024
BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end."""

    raw: bytes
    """Of an overlong line only the beginning."""
    start: int
    """Bytes before it."""
    end: Mark
    overlong: bool = False

    @property
    def number(self) -> int:
        """Which line it is, from 1."""
        return self.end.number

    @property
    def blank(self) -> bool:
        """Whether there is nothing on it."""
        return not self.overlong and not self.raw.strip()


class Lines(Iterator[Line]):
    """Reads lines from a stream that stands behind a mark; lines can be put back."""

    def __init__(self, stream: BinaryIO, mark: Mark) -> None:
        self._stream = stream
        self._offset, self._number = mark.offset, mark.number
        self._held: deque[Line] = deque()

    def put_back(self, lines: Iterable[Line]) -> None:
        """Let lines come again, before all others."""
        self._held.extendleft(reversed(list(lines)))

    def __next__(self) -> Line:
        if self._held:
            return self._held.popleft()
        start = self._offset
        raw = self._stream.readline(LONGEST_LINE + 2)
        if not raw:
            raise StopIteration
        self._offset += len(raw)
        self._number += 1
        text = raw.removesuffix(b"\n").removesuffix(b"\r")
        overlong = len(text) > LONGEST_LINE
        if overlong and not raw.endswith(b"\n"):
            self._skip()
        if start == 0:
            text = text.removeprefix(BOM)
        return Line(text[:LONGEST_LINE], start, Mark(self._offset, self._number), overlong)

    def _skip(self) -> None:
        while rest := self._stream.readline(LONGEST_LINE):
            self._offset += len(rest)
            if rest.endswith(b"\n"):
                return
