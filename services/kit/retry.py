"""Trying again what may pass, with growing waits."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

# 50 ms … 5 s, eight times: eleven seconds in all, longer than a broker's or a database's restart.
DELAYS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 2.5, 5.0)


async def retry_transient(
    attempt: Callable[[], Awaitable[T]],
    *,
    transient: tuple[type[Exception], ...],
    delays: Sequence[float] = DELAYS,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """The first result; the last error once the delays (seconds) are used up.

    Only errors of the transient classes are tried again: what can never succeed is raised at once.
    """
    for delay in delays:
        try:
            return await attempt()
        except transient:
            await pause(delay)
    return await attempt()


def back_off(first: float = 0.05, last: float = 5.0, factor: float = 2.0) -> Iterator[float]:
    """Endless waits in seconds, each `factor` longer than the one before, at most `last`."""
    delay = first
    while True:
        yield delay
        delay = min(last, delay * factor)
