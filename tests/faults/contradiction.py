"""What a checker finds, and the two tools that checkers find it with in O(n log n)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from tests.faults.operation import Operation

K = TypeVar("K", bound="Hashable")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Operations that cannot all have happened on a platform that keeps the invariant."""

    invariant: str
    says: str
    operations: tuple[Operation, ...]

    def __str__(self) -> str:
        lines = (f"  {each}" for each in self.operations)
        return "\n".join((f"{self.invariant}: {self.says}", *lines))


class Ascending:
    """Operations in an order, each with a height: finds the first that is early and high enough."""

    def __init__(
        self,
        operations: Iterable[Operation],
        order: Callable[[Operation], float],
        height: Callable[[Operation], float],
    ) -> None:
        self._operations = sorted(operations, key=order)
        self._orders = [order(each) for each in self._operations]
        # The first operation that reaches a height is where the running maximum first does.
        self._heights = list(accumulate(map(height, self._operations), max))

    def first(self, *, before: float, above: float) -> Operation | None:
        """The first operation of those before a place whose height is above the one given."""
        index = bisect_right(self._heights, above)
        return self._operations[index] if index < bisect_left(self._orders, before) else None

    def last(self, *, before: float) -> Operation | None:
        """The last operation of those before a place."""
        index = bisect_left(self._orders, before)
        return self._operations[index - 1] if index else None

    def highest(self, *, until: float) -> float:
        """The greatest height of those at or before a place; minus infinity when there are none."""
        index = bisect_right(self._orders, until)
        return self._heights[index - 1] if index else float("-inf")


def grouped(
    operations: Iterable[Operation], key: Callable[[Operation], K]
) -> dict[K, list[Operation]]:
    """Operations by what they have in common, each group in the order given."""
    groups: defaultdict[K, list[Operation]] = defaultdict(list)
    for each in operations:
        groups[key(each)].append(each)
    return dict(groups)
