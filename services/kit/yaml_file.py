"""One YAML file as plain data, every part of it knowing its line. Only the safe core of YAML 1.2.

Built from the parser's events, so that what is refused (tags, aliases, depth) is refused before
anything is made of it, and a day stays the text it was written as.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from services.kit.schema_check import pointer

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 12

_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# Decimal numbers as JSON writes them; every other form of YAML's stays text.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?([eE][-+]?[0-9]{1,3})?")

Position = tuple[int, int]


@dataclass(frozen=True)
class Problem:
    """One fault in a file; line and column count from 1; the message shows no value."""

    file: str
    line: int
    column: int
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.code}: {self.message}"


class CatalogueInvalid(Exception):
    """Files that cannot be used, with every problem found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(each) for each in self.problems))


@dataclass(frozen=True)
class Document:
    """A file's content, and where each part of it stands."""

    data: Any
    path: Path
    positions: dict[str, Position] = field(default_factory=dict, repr=False)

    def where(self, pointer: str = "") -> str:
        """`file:line:column` of a JSON pointer, or of the nearest part around it."""
        line, column = self.position(pointer)
        return f"{self.path}:{line}:{column}"

    def problem(self, pointer: str, code: str, message: str) -> Problem:
        """A fault at a JSON pointer, for the rules a schema cannot say."""
        return Problem(str(self.path), *self.position(pointer), code, message)

    def position(self, pointer: str) -> Position:
        """Line and column of a JSON pointer, or of the nearest part around it."""
        while pointer and pointer not in self.positions:
            pointer = pointer.rpartition("/")[0]
        return self.positions.get(pointer, (1, 1))


def read_yaml(path: Path) -> Document:
    """The document in a file; raises CatalogueInvalid at the first thing that is not allowed."""
    try:
        raw = path.read_bytes()
    except OSError:
        raise CatalogueInvalid([Problem(str(path), 1, 1, "file_unreadable", "no file")]) from None
    if len(raw) > MAX_BYTES:
        raise CatalogueInvalid([Problem(str(path), 1, 1, "file_too_large", "over 256 KiB")])
    return _Reader(path).read(raw)


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._positions: dict[str, Position] = {}
        self._documents: list[Any] = []
        self._open: list[_Container] = []

    def read(self, raw: bytes) -> Document:
        try:
            for event in YAML(typ="safe", pure=True).parse(raw.decode("utf-8")):
                self._take(event)
        except UnicodeDecodeError:
            self._refuse((1, 1), "text_encoding", "the file is not UTF-8")
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            at = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
            self._refuse(at, "yaml_invalid", "this is not YAML")
        except YAMLError:
            self._refuse((1, 1), "yaml_invalid", "this is not YAML")
        if not self._documents:
            self._refuse((1, 1), "file_empty", "the file has no content")
        return Document(self._documents[0], self._path, self._positions)

    def _take(self, event: Any) -> None:
        kind = type(event).__name__
        at = (event.start_mark.line + 1, event.start_mark.column + 1)
        if kind == "AliasEvent" or getattr(event, "anchor", None) is not None:
            self._refuse(at, "aliases_forbidden", "anchors and aliases are not allowed")
        if getattr(event, "tag", None) is not None:
            self._refuse(at, "tag_forbidden", "tags are not allowed")
        if kind == "ScalarEvent":
            plain = event.implicit[0]
            self._scalar(event.value, at, plain=plain)
        elif kind in {"MappingStartEvent", "SequenceStartEvent"}:
            self._start({} if kind == "MappingStartEvent" else [], at)
        elif kind in {"MappingEndEvent", "SequenceEndEvent"}:
            self._open.pop()

    def _scalar(self, text: str, at: Position, *, plain: bool) -> None:
        parent = self._open[-1] if self._open else None
        if parent is not None and parent.wants_key:
            if text in parent.value:
                self._refuse(at, "duplicate_key", "the same key stands here twice")
            parent.key = text
            self._positions[pointer((*parent.path, text))] = at
            return
        self._place(self._value(text, at) if plain else text, at)

    def _value(self, text: str, at: Position) -> Any:
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if not math.isfinite(number):
                self._refuse(at, "number_not_finite", "the number is too large")
            return number
        return text

    def _start(self, value: Any, at: Position) -> None:
        if self._open and self._open[-1].wants_key:
            self._refuse(at, "key_not_text", "a key must be text")
        if len(self._open) >= MAX_DEPTH:
            self._refuse(at, "too_deep", f"nested deeper than {MAX_DEPTH}")
        self._open.append(_Container(value, self._place(value, at)))

    def _place(self, value: Any, at: Position) -> tuple[str | int, ...]:
        if not self._open:
            if self._documents:
                self._refuse(at, "one_document", "a file holds one document")
            self._documents.append(value)
            self._positions[""] = at
            return ()
        parent = self._open[-1]
        path: tuple[str | int, ...]
        if parent.key is not None:
            path = (*parent.path, parent.key)
            parent.value[parent.key] = value
            parent.key = None
        else:
            path = (*parent.path, len(parent.value))
            parent.value.append(value)
            self._positions[pointer(path)] = at
        return path

    def _refuse(self, at: Position, code: str, message: str) -> NoReturn:
        raise CatalogueInvalid([Problem(str(self._path), *at, code, message)])


class _Container:
    """A mapping or list under construction, and the key that waits for its value."""

    def __init__(self, value: Any, path: tuple[str | int, ...]) -> None:
        self.value = value
        self.path = path
        self.key: str | None = None

    @property
    def wants_key(self) -> bool:
        return isinstance(self.value, dict) and self.key is None
