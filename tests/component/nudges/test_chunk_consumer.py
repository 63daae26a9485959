"""What is committed, and what is fetched a second time before it is believed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from services.nudges.entrypoints.chunk_transport import Chunk, ChunkConsumer
from services.nudges.entrypoints.stream import Group, create_stream_app

ONE, TWO = TP("life-events.v1", 0), TP("life-events.v1", 1)


@pytest.fixture
async def consumer(tmp_path):
    app = create_stream_app(Group("127.0.0.1:9", "nudges-1", tmp_path))
    app.finalize()
    app.consumer_generation_id = 4
    made = app.transport.create_consumer(
        callback=_never,
        on_partitions_revoked=_never,
        on_partitions_assigned=_never,
    )

    yield made
    assert isinstance(made, ChunkConsumer)
    made._thread.thread_loop.close()


async def _never(*_):
    raise AssertionError


def a_chunk(tp=ONE, generation=4, first=0, last=9):
    return Chunk(tp, generation, [SimpleNamespace(offset=at) for at in range(first, last + 1)])


async def test_the_app_makes_our_consumer(consumer):
    assert isinstance(consumer, ChunkConsumer)


async def test_a_finished_chunk_may_be_committed_to_its_end(consumer):
    consumer.finish(a_chunk(first=5, last=9))
    consumer.finish(a_chunk(TWO, first=0, last=0))

    assert consumer._filter_committable_offsets([]) == {ONE: 10, TWO: 1}


async def test_what_is_committed_is_not_committed_again(consumer):
    consumer.finish(a_chunk(first=5, last=9))
    consumer._committed_offset[ONE] = 10

    assert consumer._filter_committable_offsets([]) == {}


async def test_a_chunk_of_an_older_assignment_is_not_committed(consumer):
    """Another worker may have the partition by now, and have read less."""
    consumer.finish(a_chunk(generation=3))

    assert consumer._filter_committable_offsets([]) == {}


async def test_fausts_own_bookkeeping_commits_nothing(consumer):
    consumer._acked[ONE].extend(range(100))

    assert consumer._filter_committable_offsets([ONE]) == {}


async def test_a_refused_commit_is_tried_again(consumer, monkeypatch):
    async def refused(self, offsets, start_new_transaction=True):
        self._committed_offset.update(offsets)  # as Faust does
        return False

    monkeypatch.setattr(driver.Consumer, "_commit_offsets", refused)
    consumer.finish(a_chunk())

    assert not await consumer._commit_offsets({ONE: 10})
    assert consumer._filter_committable_offsets([]) == {ONE: 10}


async def test_a_hole_is_believed_when_it_is_seen_twice(consumer):
    asked = []

    async def seek_wait(partitions):
        asked.append(dict(partitions))

    consumer._thread.seek_wait = seek_wait
    consumer._expected[ONE] = 10

    assert [await consumer._doubt(ONE, first) for first in (10, 7, 15, 15, 15)] == [
        False,  # nothing missing
        False,  # read again after a seek: harmless
        True,  # missing: fetch again
        False,  # still missing: they are gone
        True,  # the doubt was spent
    ]
    assert asked == [{ONE: 10}, {ONE: 10}]


async def test_the_first_fetch_of_a_new_group_is_believed(consumer):
    assert not await consumer._doubt(ONE, 500)
