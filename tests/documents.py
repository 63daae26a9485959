"""Documents as programs: the blocks of a page in their order, and what each of them prints.

A page says everything itself. Blocks of `sh` and `python` are run, each in a process of its own;
a block of `text` right behind one is what it prints, in which … stands for anything. A block
behind "Save this as `NAME`:" is a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SAVE_AS: Final = re.compile(r"Save this as\s+`([\w.-]+)`:\s*\Z")
_RUN: Final = frozenset({"sh", "python"})
_OUTPUT: Final = "text"
ANYTHING: Final = "…"


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a page; `save_as` is the file it is, `prints` what it prints if that is said."""

    line: int
    language: str
    text: str
    save_as: str = ""
    prints: str | None = None

    @property
    def runs(self) -> bool:
        """Whether it is a program."""
        return self.language in _RUN


def blocks(page: Path) -> Iterator[Block]:
    """The programs and files of a page."""
    text = page.read_text(encoding="utf-8")
    found = list(_BLOCK.finditer(text))
    for index, each in enumerate(found):
        language, body = each.groups()
        saved = _SAVE_AS.search(text, 0, each.start())
        following = found[index + 1] if index + 1 < len(found) else None
        prints = None
        if following and following[1] == _OUTPUT:
            between = text[each.end() : following.start()]
            prints = following[2] if not between.strip() else None
        line = text.count("\n", 0, each.start()) + 1
        yield Block(line, language, body, saved[1] if saved else "", prints)


def prints_that(printed: str, expected: str) -> bool:
    """Whether a program printed what its page says."""
    pattern = ".*".join(map(re.escape, expected.strip().split(ANYTHING)))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None
