"""Where each part of a JSON text stands, so that a fault can be shown with its line."""

from __future__ import annotations

import re
from json.decoder import scanstring  # type: ignore[attr-defined]  # typeshed leaves it out
from typing import Final

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_PLAIN: Final = re.compile(r"[^\s,\]}]+")


class Places:
    """Positions of the values of a text that was read as JSON without fault, by JSON pointer."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: dict[str, int] = {}
        self._value(self._past_space(0), "")

    def line(self, pointer: str) -> int:
        """The line, from 1, of what a pointer names; of what it is missing from, if it is not."""
        while pointer and pointer not in self._found:
            pointer = pointer.rpartition("/")[0]
        return self._text.count("\n", 0, self._found[pointer]) + 1

    def _value(self, at: int, pointer: str) -> int:
        """Note a value and what is in it; returns where it ends."""
        self._found.setdefault(pointer, at)
        match self._text[at]:
            case "{":
                return self._members(at + 1, pointer, "}")
            case "[":
                return self._members(at + 1, pointer, "]")
            case '"':
                return self._string(at)[1]
            case _:
                found = _PLAIN.match(self._text, at)
                return found.end() if found else at

    def _members(self, at: int, pointer: str, end: str) -> int:
        number = 0
        while (at := self._past_space(at)) < len(self._text) and self._text[at] != end:
            if self._text[at] == ",":
                at += 1
                continue
            name = str(number)
            if end == "}":
                name, after = self._string(at)
                name = name.replace("~", "~0").replace("/", "~1")
                self._found[f"{pointer}/{name}"] = at
                at = self._past_space(self._past_space(after) + 1)
            at = self._value(at, f"{pointer}/{name}")
            number += 1
        return at + 1

    def _string(self, at: int) -> tuple[str, int]:
        text, end = scanstring(self._text, at + 1, True)  # noqa: FBT003  # strict, as the door is
        return str(text), int(end)

    def _past_space(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at
