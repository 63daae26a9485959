from __future__ import annotations

import asyncio

from services.kit import tasks
from services.kit.tasks import end_tasks


async def test_a_task_that_lost_a_cancellation_is_cancelled_again(monkeypatch):
    monkeypatch.setattr(tasks, "AGAIN_SECONDS", 0.01)
    lost = 0

    async def stubborn() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if lost:
                    raise
                lost += 1

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)

    await end_tasks([task])

    assert lost == 1
    assert task.cancelled()


async def test_a_task_that_has_ended_or_failed_is_left_as_it_is():
    async def failing() -> None:
        raise ValueError

    failed = asyncio.create_task(failing())
    await asyncio.wait([failed])

    await end_tasks([failed])

    assert isinstance(failed.exception(), ValueError)
