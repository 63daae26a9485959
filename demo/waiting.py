"""Waiting for something to be seen: by asking again or by being told, never by a fixed pause."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

T = TypeVar("T")

_POLL_SECONDS: Final = 0.05
_LONGEST_POLL_SECONDS: Final = 0.5


class Unseen(Exception):
    """What should have been seen was not, or something was that should not have been."""


def expect(condition: object, text: str) -> None:
    """Raise Unseen unless the condition holds."""
    if not condition:
        raise Unseen(text)


async def seen(ask: Callable[[], Awaitable[T | None]], what: str, *, seconds: float = 30.0) -> T:
    """Ask until the answer is not None; raises Unseen when the time is over."""
    end = time.monotonic() + seconds
    pause = _POLL_SECONDS
    while True:
        answer = await ask()
        if answer is not None:
            return answer
        if time.monotonic() > end:
            raise Unseen(f"{what}: not seen within {seconds:.0f} s")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)


class Board:
    """Where news are posted, and others wait until what they need has been posted."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def post(self) -> None:
        """Something changed."""
        self._changed.set()

    async def until(self, holds: Callable[[], object], what: str, *, seconds: float = 30.0) -> None:
        """Wait until it holds; raises Unseen when the time is over."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise Unseen(f"{what}: not seen within {seconds:.0f} s") from None
