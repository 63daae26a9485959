"""Questions that come at about the same time, answered by one piece of work for all of them."""

import asyncio
import contextvars
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Together(Generic[Q, A]):
    """Gathers while it works: who comes alone does not wait, who came meanwhile goes together.

    A question that comes alone is worked on at once. What comes within `pace_seconds` of the
    beginning of the last piece of work, or while `at_once` pieces are under way, waits; the next
    piece takes up to `most` of it, in order, and as many as that do not wait for the pace. Nobody
    waits behind a piece that has been under way for `patience_seconds`: it is not counted any more.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Q]], Awaitable[Sequence[A]]],
        *,
        most: int,
        at_once: int,
        pace_seconds: float = 0,
        patience_seconds: float = math.inf,
    ) -> None:
        """`work` answers questions in their order; what it raises, all of them raise."""
        self._work = work
        self._most = most
        self._at_once = at_once
        self._pace = pace_seconds
        self._patience = patience_seconds
        self._rest_until = 0.0
        self._rest: asyncio.TimerHandle | None = None
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._working: set[asyncio.Task[None]] = set()
        self._counted: set[asyncio.Task[None]] = set()

    async def ask_all(self, questions: Sequence[Q]) -> list[A]:
        """The answers to several, in order; raises what the work raised for any of them."""
        loop = asyncio.get_running_loop()
        asked: list[asyncio.Future[A]] = [loop.create_future() for _ in questions]
        self._waiting.extend(zip(questions, asked, strict=True))
        self._begin()
        return await asyncio.gather(*asked)

    async def close(self) -> None:
        """Wait until everything asked so far is answered."""
        self._pace = self._rest_until = 0.0
        self._begin()
        while self._working:
            await asyncio.wait(self._working)

    def _begin(self) -> None:
        while self._waiting and len(self._counted) < self._at_once and self._is_time():
            taken = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            # In nobody's context: the work is not one caller's, and outlives a caller who leaves.
            task = asyncio.create_task(self._answer(taken), context=contextvars.Context())
            self._working.add(task)
            self._counted.add(task)
            task.add_done_callback(self._ended)
            if self._patience < math.inf:
                asyncio.get_running_loop().call_later(self._patience, self._count_no_more, task)

    def _is_time(self) -> bool:
        """Whether the next piece of work may begin now; if not, it begins when the pace lets it."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now < self._rest_until and len(self._waiting) < self._most:
            if self._rest is None:
                self._rest = loop.call_at(self._rest_until, self._rested)
            return False
        self._rest_until = now + self._pace
        return True

    def _rested(self) -> None:
        self._rest = None
        self._begin()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        self._count_no_more(task)

    def _count_no_more(self, task: asyncio.Task[None]) -> None:
        self._counted.discard(task)
        self._begin()

    async def _answer(self, taken: Sequence[tuple[Q, asyncio.Future[Any]]]) -> None:
        try:
            answers = await self._work([question for question, _ in taken])
        except Exception as raised:  # noqa: BLE001  # it is raised where the question was asked
            for _, future in taken:
                if not future.done():
                    future.set_exception(raised)
            return
        for (_, future), answer in zip(taken, answers, strict=True):
            if not future.done():
                future.set_result(answer)
