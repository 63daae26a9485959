"""A reader of the log outlives its client."""

import asyncio

import pytest
from aiokafka.errors import KafkaError

from services.kit.log_consumer import lasting


@pytest.mark.parametrize("broken", [KafkaError, RuntimeError, asyncio.CancelledError])
async def test_a_client_that_breaks_is_replaced(broken):
    attempts: list[None] = []

    async def attend():
        attempts.append(None)
        if len(attempts) < 3:
            raise broken

    await lasting(attend, "group", asyncio.Event())

    assert len(attempts) == 3


async def test_who_is_cancelled_ends():
    begun = asyncio.Event()

    async def attend():
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(lasting(attend, "group", asyncio.Event()))
    await begun.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_nobody_begins_anew_once_told_to_stop():
    stop = asyncio.Event()
    attempts: list[None] = []

    async def attend():
        attempts.append(None)
        stop.set()
        raise KafkaError

    await lasting(attend, "group", stop)

    assert len(attempts) == 1


async def test_what_is_our_own_mistake_is_not_tried_again():
    async def attend():
        raise LookupError

    with pytest.raises(LookupError):
        await lasting(attend, "group", asyncio.Event())
