"""What was tried on the platform while it was being broken: recorded, kept as JSON lines, merged.

An operation is recorded when it is invoked and once more when it completes; one whose completion
was never written, because its process died, stays unknown.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from dataclasses import replace
from itertools import accumulate, count
from typing import TYPE_CHECKING, Any, Final

from tests.faults.operation import UNSAID, Kind, Operation, Result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_NUMBERS: Final = count(1)
_OF_THE_PROMPT: Final = (
    "subject", "case_id", "purpose", "controller", "epoch", "bereavement", "event_id",
)  # fmt: skip


class History:
    """Operations, of any threads and tasks: each one only ever appends.

    With a path each record is also appended to that file before the caller goes on. The file is
    this history's own and must not exist: a process that was killed may have left half a line.
    """

    def __init__(
        self, path: Path | None = None, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._records: list[Operation] = []
        self._path = path
        self._clock = clock
        if path is not None:
            path.touch(exist_ok=False)

    def invoke(self, process: str, kind: Kind, **values: Any) -> Operation:
        """An operation begins now; `values` are fields of `Operation`."""
        # Numbers begin anew in each process, so its pid is part of the id.
        id_ = f"{process}/{os.getpid()}/{next(_NUMBERS)}"
        begun = Operation(id=id_, process=process, kind=kind, invoked_ns=self._clock(), **values)
        return self.record(begun)

    def complete(self, begun: Operation, result: Result, **learned: Any) -> Operation:
        """It ends now, with its result and what else became known, such as its serial."""
        return self.record(replace(begun, completed_ns=self._clock(), result=result, **learned))

    def record(self, operation: Operation) -> Operation:
        """Keep an operation as it stands; of several records of one the most complete counts."""
        self._records.append(operation)
        if self._path is not None:
            # Opened anew each time: nothing is buffered when the process is killed.
            with self._path.open("ab", buffering=0) as file:
                file.write(operation.to_line().encode())
        return operation

    @property
    def operations(self) -> tuple[Operation, ...]:
        """All operations in commit order.

        Those with a serial stand in its order, the others among them by their invocation.
        """
        known: dict[str, Operation] = {}
        for each in sorted(self._records, key=_completeness):
            known[each.id] = each
        committed = sorted(
            (each for each in known.values() if each.serial is not None),
            key=lambda each: (each.serial, each.id),
        )
        reached = accumulate((each.invoked_ns for each in committed), max)
        places = {
            each.id: (moment, 0, each.serial or 0, each.id)
            for each, moment in zip(committed, reached, strict=True)
        }
        return tuple(
            sorted(
                known.values(),
                key=lambda each: places.get(each.id, (each.invoked_ns, 1, 0, each.id)),
            )
        )


def _completeness(operation: Operation) -> tuple[bool, bool, str]:
    return operation.completed_ns is not None, operation.serial is not None, operation.to_line()


def read(path: Path) -> History:
    """The history in a file of JSON lines; half a line at its end was never written."""
    history = History()
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            history.record(Operation.from_line(line))
    return history


def merge(*histories: History) -> History:
    """One history of several processes, whatever their order."""
    merged = History()
    for history in histories:
        for operation in history.operations:
            merged.record(operation)
    return merged


def with_prompts(history: History) -> History:
    """The same history, each operation on a prompt with all that others say of that prompt.

    A device knows no epoch, and a claim need not know whose death a prompt is about. What two
    operations say differently stays unknown to the others.
    """
    operations = history.operations
    said: defaultdict[tuple[str, str], set[Any]] = defaultdict(set)
    for each in operations:
        for name in _OF_THE_PROMPT:
            if (value := getattr(each, name)) not in UNSAID:
                said[each.prompt_id, name].add(value)
    joined = History()
    for each in operations:
        learned = {
            name: next(iter(values))
            for name in _OF_THE_PROMPT
            if each.prompt_id and getattr(each, name) in UNSAID
            if len(values := said[each.prompt_id, name]) == 1
        }
        joined.record(replace(each, **learned))
    return joined
