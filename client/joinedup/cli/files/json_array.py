"""The elements of a JSON array of any length, each found without reading those behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from joinedup.cli.files.entry import Mark
from joinedup.cli.files.lines import BOM, LONGEST_LINE

_CHUNK: Final = 64 * 1024
# An event may be written with as much space between its parts as it has text.
_LONGEST: Final = 4 * LONGEST_LINE
# A whole string, or the beginning of one that is not all there; or a bracket.
_STRING_OR_BRACKET: Final = re.compile(rb'"(?:[^"\\]|\\.)*+("?)|[\[\]{}]', re.DOTALL)
# What stands between two elements.
_BETWEEN: Final = re.compile(rb"[ \t\r\n]*+,?[ \t\r\n]*+")
_PLAIN: Final = re.compile(rb"[^\s,\[\]{}\"]++")

Element = tuple[bytes, Mark, bool]
"""Its bytes, the mark behind it, and whether it is whole: one that is not is the last."""


def is_array(head: bytes) -> bool:
    """Whether a file that begins so holds an array."""
    return head.removeprefix(BOM).lstrip().startswith(b"[")


def elements(stream: BinaryIO, mark: Mark) -> Iterator[Element]:
    """The elements behind a mark, at which the stream stands; behind none, those of the array.

    What cannot be one, or an array that is not closed, or that something follows, is the last.
    """
    window = _Window(stream, mark.offset)
    number = mark.number
    if mark.offset == 0:
        window.open_array()
    while window.look() != b"]":
        raw = window.element()
        number += 1
        if raw is None:
            yield b"", Mark(window.offset, number), False
            return
        yield raw, Mark(window.offset, number), True
    if window.something_follows():
        yield b"", Mark(window.offset, number + 1), False


class _Window:
    """The bytes of the stream that are looked at; `offset` is the first one's."""

    def __init__(self, stream: BinaryIO, offset: int) -> None:
        self._stream = stream
        self._bytes = b""
        self.offset = offset

    def open_array(self) -> None:
        """Go behind the bracket that opens the array."""
        while b"[" not in self._bytes and self._more():
            pass
        self._drop(self._bytes.index(b"[") + 1)

    def look(self) -> bytes:
        """The first byte of what comes next, past a comma; empty at the end."""
        while True:
            found = _BETWEEN.match(self._bytes)
            end = found.end() if found else 0
            if end < len(self._bytes):
                self._drop(end)
                return self._bytes[:1]
            if not self._more():
                return b""

    def element(self) -> bytes | None:
        """What comes next, if it is an element that can be an event or a plain value."""
        while not (end := self._end()):
            if len(self._bytes) > _LONGEST or not self._more():
                return None
        return self._drop(end)

    def something_follows(self) -> bool:
        """Whether anything but space stands behind the bracket that closes the array."""
        self._drop(1)
        return self.look() != b""

    def _end(self) -> int:
        """Where the element ends; 0 while that is not known."""
        plain = _PLAIN.match(self._bytes)
        if plain is not None:
            return plain.end() if plain.end() < len(self._bytes) else 0
        depth = 0
        for found in _STRING_OR_BRACKET.finditer(self._bytes):
            token = found.group()
            if token in b"[{":
                depth += 1
            elif token in b"]}":
                depth -= 1
            elif not found[1]:
                return 0
            if depth <= 0:
                return found.end()
        return 0

    def _drop(self, count: int) -> bytes:
        dropped, self._bytes = self._bytes[:count], self._bytes[count:]
        self.offset += count
        return dropped

    def _more(self) -> bool:
        chunk = self._stream.read(_CHUNK)
        self._bytes += chunk
        return bool(chunk)
