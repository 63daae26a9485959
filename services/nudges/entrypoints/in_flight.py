"""Chunks whose outputs are on their way: finished in the order in which they were taken."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Taken(Generic[T]):
    item: T
    records: int
    left: int


class InFlight(Generic[T]):
    """A queue from the left of which items leave once all their deliveries were acknowledged.

    Nothing waits for one item's deliveries before the next is taken; only the number of records
    is bounded. A delivery that fails is told once, and its item and all behind it never finish.
    """

    def __init__(
        self,
        *,
        finish: Callable[[T], None],
        failed: Callable[[BaseException | None], None],
        max_records: int,
    ) -> None:
        self._finish = finish
        self._failed = failed
        self._max = max_records
        self._queue: deque[_Taken[T]] = deque()
        self._records = 0
        self._moved = asyncio.Event()

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, item: T, records: int, deliveries: Iterable["asyncio.Task[Any]"]) -> None:
        """Take an item with the deliveries that must succeed before it is finished."""
        tasks = list(deliveries)
        taken = _Taken(item, records, len(tasks))
        self._queue.append(taken)
        self._records += records
        for task in tasks:
            task.add_done_callback(partial(self._delivered, taken))
        self._drain()

    async def room(self) -> None:
        """Wait until another item may be taken."""
        while self._records >= self._max:
            await self._next_move()

    async def empty(self) -> None:
        """Wait until everything that was taken is finished."""
        while self._queue:
            await self._next_move()

    def _delivered(self, taken: _Taken[T], task: "asyncio.Task[Any]") -> None:
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or error is not None:
            self._failed(error)
            return
        taken.left -= 1
        self._drain()

    def _drain(self) -> None:
        while self._queue and not self._queue[0].left:
            taken = self._queue.popleft()
            self._records -= taken.records
            self._finish(taken.item)
            self._moved.set()

    async def _next_move(self) -> None:
        self._moved.clear()
        await self._moved.wait()
