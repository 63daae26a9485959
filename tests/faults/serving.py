"""What surely reached a person: opens that were answered, and what devices say they showed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.operation import Kind, Operation, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Serving:
    """Opens and shows of a history, each device's first open of a prompt with what it showed.

    What a device showed proves that one of its opens was answered. When nobody knows which, only
    the first can be named: whatever is wrong with that one is wrong with the later ones too.
    """

    def __init__(self, operations: Iterable[Operation]) -> None:
        by_time = sorted(operations, key=lambda each: each.invoked_ns)
        self._opens = [
            each for each in by_time if each.kind is Kind.OPEN and each.result is not Result.FAIL
        ]
        first: dict[tuple[str, str], Operation] = {}
        for each in self._opens:
            first.setdefault((each.process, each.prompt_id), each)
        self._shown: dict[str, Operation] = {}  # by the id of the open
        self._without_open: list[Operation] = []
        for show in by_time:
            if show.kind is not Kind.SHOW or show.result is not Result.OK:
                continue
            opened = first.get((show.process, show.prompt_id))
            if opened is not None and opened.invoked_ns <= show.invoked_ns:
                self._shown.setdefault(opened.id, show)
            else:
                self._without_open.append(show)

    def opens(self) -> Iterator[tuple[Operation, ...]]:
        """Each open that was surely answered, with the show that followed where there is one."""
        for opened in self._opens:
            show = self._shown.get(opened.id)
            if show is not None:
                yield opened, show
            elif opened.happened:
                yield (opened,)

    def shows_without_open(self) -> Iterator[tuple[Operation, ...]]:
        """Each show of a prompt that its device had not asked to open before."""
        for show in self._without_open:
            yield (show,)
