"""Chunks finish in the order in which they were taken, whatever order deliveries end in."""

from __future__ import annotations

import asyncio

import pytest

from services.nudges.entrypoints.in_flight import InFlight


class Deliveries:
    """Deliveries that end when a test says so."""

    def __init__(self):
        self.finished: list[str] = []
        self.failures: list[BaseException | None] = []
        self.in_flight = InFlight(
            finish=self.finished.append, failed=self.failures.append, max_records=10
        )
        self._gates = {}

    def take(self, name, deliveries=1, records=1):
        gates = [asyncio.Event() for _ in range(deliveries)]
        self._gates[name] = gates
        self.in_flight.add(name, records, [asyncio.create_task(gate.wait()) for gate in gates])

    async def deliver(self, name, which=0):
        self._gates[name][which].set()
        await settled()

    async def fail(self, name, error):
        async def failing():
            raise error

        self.in_flight.add(name, 1, [asyncio.create_task(failing())])
        await settled()


async def settled():
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
async def sent():
    return Deliveries()


async def test_later_chunks_wait_for_earlier_ones(sent):
    for name in "abc":
        sent.take(name)

    await sent.deliver("c")
    await sent.deliver("b")
    assert sent.finished == []

    await sent.deliver("a")
    assert sent.finished == ["a", "b", "c"]
    assert len(sent.in_flight) == 0


async def test_a_chunk_waits_for_all_of_its_deliveries(sent):
    sent.take("a", deliveries=2)

    await sent.deliver("a", 1)
    assert sent.finished == []

    await sent.deliver("a", 0)
    assert sent.finished == ["a"]


async def test_a_failed_delivery_is_told_and_nothing_behind_it_finishes(sent):
    error = ConnectionError()
    await sent.fail("a", error)
    sent.take("b")

    await sent.deliver("b")

    assert sent.failures == [error]
    assert sent.finished == []


async def test_a_cancelled_delivery_is_a_failed_one(sent):
    task = asyncio.create_task(asyncio.Event().wait())
    sent.in_flight.add("a", 1, [task])

    task.cancel()
    await settled()

    assert sent.failures == [None]
    assert sent.finished == []


async def test_there_is_room_again_once_enough_is_finished(sent):
    sent.take("a", records=6)
    sent.take("b", records=6)
    waiting = asyncio.create_task(sent.in_flight.room())
    await settled()
    assert not waiting.done()

    await sent.deliver("b")
    assert not waiting.done()

    await sent.deliver("a")
    assert waiting.done()


async def test_empty_waits_for_everything(sent):
    await sent.in_flight.empty()
    sent.take("a")
    sent.take("b")
    waiting = asyncio.create_task(sent.in_flight.empty())

    await sent.deliver("a")
    assert not waiting.done()

    await sent.deliver("b")
    assert waiting.done()
