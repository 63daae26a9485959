"""Ending tasks for good: a cancellation can be lost on its way."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

AGAIN_SECONDS: Final = 0.2


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until every one of them has ended; what they raised is theirs to tell.

    Python 3.11's `asyncio.wait_for`, which clients of databases and caches stand on, swallows a
    cancellation that comes in the same turn as its result: the task goes on as if nothing had
    been said.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_SECONDS)
