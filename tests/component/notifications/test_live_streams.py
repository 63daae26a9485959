"""The streams of one process: bounded, purged, settled, and never fed what a purge took away."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from datetime import timedelta

import pytest

from services.kit.clock import ManualClock
from services.notifications.adapters.live_streams import LiveStreams, StreamLimits
from services.notifications.domain.errors import Closing, StreamClosed, TooManyStreams
from services.notifications.domain.gate import Ask
from services.notifications.domain.prompt import OnStream, Recall
from tests.unit.notifications.builders import NOW, a_stream_item, an_ask

MAIR, NIA = "a" * 26, "b" * 26
LIMITS = StreamLimits(frames=4, streams_a_person=2, patience_seconds=2.0)


class Stood:
    """What stands on Mair's stream, in the ledger's place."""

    def __init__(self, number: int) -> None:
        self.items: list[OnStream] = [a_stream_item(n) for n in range(1, number + 1)]
        self.hold = asyncio.Event()
        self.hold.set()

    async def read(self, after: int, limit: int) -> list[OnStream]:
        found = [item for item in self.items if item.position > after][:limit]
        await self.hold.wait()
        return found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def hungry() -> list[str]:
    return []


@pytest.fixture
def streams(clock: ManualClock, hungry: list[str]) -> LiveStreams:
    return LiveStreams(clock.monotonic, limits=LIMITS, hungry=hungry.append)


def nothing_stays(_ask: Ask) -> bool:
    return False


async def test_a_purge_leaves_what_was_recalled_for_the_device_to_hear(streams: LiveStreams):
    recall = Recall(MAIR, "p" * 26, 3, NOW)
    stood = Stood(2)
    stood.items.append(recall)
    with streams.live(MAIR, 0) as stream:
        await streams.feed(MAIR, stood.read)

        assert streams.purge(MAIR, nothing_stays) == 2
        assert await stream.take(0.01) == recall


async def test_a_stream_hands_out_what_stands_beyond_its_position(streams: LiveStreams):
    stood = Stood(3)
    with streams.live(MAIR, 1) as stream:
        await streams.feed(MAIR, stood.read)
        await streams.feed(MAIR, stood.read)
        taken = [await stream.take(0.01) for _ in range(3)]

    assert taken == [*stood.items[1:], None]
    assert not streams.is_live(MAIR)
    assert len(streams) == 0


async def test_a_queue_holds_so_many_and_asks_for_more_when_half_is_gone(
    streams: LiveStreams, hungry: list[str]
):
    stood = Stood(6)
    with streams.live(MAIR, 0) as stream:
        await streams.feed(MAIR, stood.read)
        assert streams.reached() == {MAIR: 4}
        await stream.take(1)
        assert hungry == []
        await stream.take(1)
        assert hungry == [MAIR]
        await streams.feed(MAIR, stood.read)
        left = [await stream.take(0.01) for _ in range(5)]

    assert left == [*stood.items[2:], None]


async def test_a_reader_who_makes_room_while_it_is_fed_is_fed_again(
    streams: LiveStreams, hungry: list[str]
):
    stood = Stood(9)
    with streams.live(MAIR, 0) as stream:
        await streams.feed(MAIR, stood.read)
        stood.hold.clear()
        feeding = asyncio.create_task(streams.feed(MAIR, stood.read))
        await asyncio.sleep(0)
        for _ in range(4):
            await stream.take(1)
        hungry.clear()
        stood.hold.set()
        await feeding

        assert hungry == [MAIR]


async def test_a_reader_who_takes_nothing_is_closed_and_one_who_is_slow_is_not(
    streams: LiveStreams, clock: ManualClock
):
    stood = Stood(9)
    with streams.live(MAIR, 0) as stream:
        await streams.feed(MAIR, stood.read)
        clock.advance(timedelta(seconds=1.9))
        await stream.take(1)
        clock.advance(timedelta(seconds=1.9))
        await streams.feed(MAIR, stood.read)
        await streams.feed(MAIR, stood.read)
        assert not stream.closed.is_set()

        clock.advance(timedelta(seconds=2.1))
        await streams.feed(MAIR, stood.read)

        with pytest.raises(StreamClosed) as closed:
            await stream.take(1)
    assert closed.value.why is Closing.SLOW_READER


async def test_what_may_not_stay_leaves_the_queue(streams: LiveStreams):
    stood = Stood(3)
    stood.items[1] = a_stream_item(2, ask=an_ask(controller="dwp"))
    with streams.live(MAIR, 0) as stream:
        await streams.feed(MAIR, stood.read)

        purged = streams.purge(MAIR, lambda ask: ask.controller == "hmrc")

        assert purged == 1
        assert [await stream.take(0.01) for _ in range(3)] == [
            stood.items[0],
            stood.items[2],
            None,
        ]


async def test_what_was_read_before_a_purge_is_not_queued_after_it(
    streams: LiveStreams, hungry: list[str]
):
    stood = Stood(2)
    stood.hold.clear()
    with streams.live(MAIR, 0) as stream:
        feeding = asyncio.create_task(streams.feed(MAIR, stood.read))
        await asyncio.sleep(0)
        streams.purge(MAIR, nothing_stays)
        stood.hold.set()
        await feeding

        assert await stream.take(0.01) is None
    assert hungry == [MAIR]


async def test_settling_waits_for_what_is_being_written(streams: LiveStreams):
    with streams.live(MAIR, 0) as stream, streams.live(NIA, 0) as other:
        with stream.writing():
            settling = asyncio.create_task(streams.settle(MAIR, 5))
            with other.writing():
                sooner = asyncio.create_task(streams.settle(NIA, 5))
                await asyncio.sleep(0)
            assert await sooner
            assert not settling.done()
        assert await settling
        assert not stream.closed.is_set()


async def test_a_write_that_does_not_end_closes_its_stream(streams: LiveStreams):
    with streams.live(MAIR, 0) as stream, stream.writing():
        assert await streams.settle(MAIR, 0.01)
        assert stream.closed.is_set()


async def test_settling_waits_for_openings_and_says_when_one_does_not_end(streams: LiveStreams):
    with streams.opening(MAIR) as ended:
        assert not await streams.settle(MAIR, 0.01)
        ended()
        assert await streams.settle(MAIR, 0.01)


async def test_an_opening_that_fails_has_ended(streams: LiveStreams):
    with pytest.raises(ValueError, match="no"), streams.opening(MAIR):
        raise ValueError("no")

    assert await streams.settle(MAIR, 0.01)


async def test_a_person_may_have_so_many_streams(streams: LiveStreams):
    with ExitStack() as live:
        for _ in range(2):
            live.enter_context(streams.live(MAIR, 0))
        with pytest.raises(TooManyStreams), streams.live(MAIR, 0):
            pass
        assert len(streams) == 2


async def test_closing_all_says_why(streams: LiveStreams):
    with streams.live(MAIR, 0) as stream:
        streams.close_all(Closing.LEASE_LOST)
        with pytest.raises(StreamClosed) as closed:
            await stream.take(1)

    assert closed.value.why is Closing.LEASE_LOST


async def test_two_devices_of_a_person_are_fed_each_from_its_own_position(streams: LiveStreams):
    stood = Stood(3)
    with streams.live(MAIR, 0) as first, streams.live(MAIR, 2) as second:
        assert streams.reached() == {MAIR: 0}
        await streams.feed(MAIR, stood.read)
        firsts = [await first.take(0.01) for _ in range(3)]
        seconds = [await second.take(0.01) for _ in range(2)]

    assert firsts == stood.items
    assert seconds == [stood.items[2], None]
