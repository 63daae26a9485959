"""Questions that come at the same time, answered by one piece of work for all of them."""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Together(Generic[Q, A]):
    """Gathers while it works: nobody waits for company, and whoever came meanwhile goes together.

    A question that comes alone is worked on at once. While `at_once` pieces of work are under way,
    what comes waits, and the next piece takes up to `most` of it, in order.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Q]], Awaitable[Sequence[A]]],
        *,
        most: int,
        at_once: int,
    ) -> None:
        """`work` answers questions in their order; what it raises, all of them raise."""
        self._work = work
        self._most = most
        self._at_once = at_once
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._working: set[asyncio.Task[None]] = set()

    async def ask(self, question: Q) -> A:
        """The answer to one question."""
        return (await self.ask_all([question]))[0]

    async def ask_all(self, questions: Sequence[Q]) -> list[A]:
        """The answers to several, in order; raises what the work raised for any of them."""
        loop = asyncio.get_running_loop()
        asked: list[asyncio.Future[A]] = [loop.create_future() for _ in questions]
        self._waiting.extend(zip(questions, asked, strict=True))
        self._begin()
        return await asyncio.gather(*asked)

    async def close(self) -> None:
        """Wait until everything asked so far is answered."""
        while self._working:
            await asyncio.wait(self._working)

    def _begin(self) -> None:
        while self._waiting and len(self._working) < self._at_once:
            taken = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            # In nobody's context: the work is not one caller's, and outlives a caller who leaves.
            task = asyncio.create_task(self._answer(taken), context=contextvars.Context())
            self._working.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
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
