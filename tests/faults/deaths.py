"""After a death, and after a loss, the platform is silent (I9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.contradiction import Contradiction
from tests.faults.operation import Kind, Operation, Result
from tests.faults.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.faults.history import History


def silent_after_a_death(history: History) -> list[Contradiction]:
    """I9: once a death took effect, that person is shown nothing but what is for a bereavement.

    Once a loss took effect, nothing of its case is opened or shown. A show is judged by the open
    it followed from, if its device made one: what was opened before may be seen after. A death or
    loss that its register may have cancelled is not judged; nor, after a death, is a prompt of
    which nobody says whether it is for a bereavement.
    """
    silences = _Silences(history.operations)
    serving = Serving(history.operations)
    return [
        Contradiction("I9", "something is shown after a death or a loss", (silence, *passed))
        for passed in (*serving.opens(), *serving.shows_without_open())
        for silence in silences.broken_by(passed[0])
    ]


class _Silences:
    """Deaths and losses that took effect and stand: the first of each person and of each case."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        known = list(operations)
        cancelled = {
            each.event_id
            for each in known
            if each.kind is Kind.CANCEL and each.result is not Result.FAIL
        } - {""}
        self._committed: dict[tuple[Kind, str], Operation] = {}
        self._acknowledged: dict[tuple[Kind, str], Operation] = {}
        for each in sorted(known, key=lambda each: each.acknowledged_ns):
            whose = {Kind.DEATH: each.subject, Kind.LOSS: each.case_id}.get(each.kind, "")
            if not whose or each.result is not Result.OK or each.event_id in cancelled:
                continue
            self._acknowledged.setdefault((each.kind, whose), each)
            if each.serial is not None:
                first = self._committed.setdefault((each.kind, whose), each)
                if first.serial is not None and each.serial < first.serial:
                    self._committed[each.kind, whose] = each

    def broken_by(self, passed: Operation) -> Iterator[Operation]:
        """The death and the loss that the operation came after, in commit order or in time."""
        if passed.bereavement is False:
            yield from self._before((Kind.DEATH, passed.subject), passed)
        yield from self._before((Kind.LOSS, passed.case_id), passed)

    def _before(self, whose: tuple[Kind, str], passed: Operation) -> Iterator[Operation]:
        committed, acknowledged = self._committed.get(whose), self._acknowledged.get(whose)
        if committed is not None and _later(committed.serial, passed.serial):
            yield committed
        elif acknowledged is not None and acknowledged.acknowledged_ns < passed.invoked_ns:
            yield acknowledged


def _later(earlier: int | None, later: int | None) -> bool:
    return earlier is not None and later is not None and earlier < later
