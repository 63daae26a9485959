"""Figures and traces are judged as they should be."""

import asyncio

import pytest

from demo import waiting
from demo.evidence import latency, percentile
from demo.traces import JOURNEY, Trace
from demo.waiting import Board, Unseen, seen


def a_span(service, id_, parent=None):
    span = {"id": id_, "localEndpoint": {"serviceName": service}, "name": "x"}
    return span | ({"parentId": parent} if parent else {})


def a_whole_trace():
    first, *others = sorted(JOURNEY)
    return [a_span(first, "1"), *(a_span(each, str(n), "1") for n, each in enumerate(others, 2))]


def test_a_percentile_is_the_value_that_so_many_do_not_exceed():
    assert percentile([], 0.5) == 0
    assert percentile([5.0], 0.99) == 5.0
    assert percentile(list(range(100)), 0.5) == 50
    assert percentile(list(range(100)), 0.99) == 99


def test_latency_has_the_names_of_the_result_file():
    assert latency([1.0, 2.0], [3.0]) == {
        "ack_p50": 2.0,
        "ack_p99": 2.0,
        "openable_p50": 3.0,
        "openable_p99": 3.0,
    }


def test_a_trace_over_every_process_with_one_root_is_whole():
    assert Trace("t", a_whole_trace()).whole


def test_a_trace_with_an_orphan_is_not_whole():
    trace = Trace("t", [*a_whole_trace(), a_span("nudges", "99", "lost")])

    assert trace.orphans == ["nudges x"]
    assert not trace.whole


def test_a_trace_with_two_roots_is_not_whole():
    assert not Trace("t", [*a_whole_trace(), a_span("device", "99")]).whole


def test_a_trace_that_lacks_a_process_is_not_whole():
    assert not Trace("t", a_whole_trace()[:-1]).whole


async def test_waiting_ends_with_the_answer(monkeypatch):
    monkeypatch.setattr(waiting, "_POLL_SECONDS", 0.001)
    answers = iter([None, None, 7])

    async def ask():
        return next(answers)

    assert await seen(ask, "seven", seconds=5) == 7


async def test_waiting_ends_when_the_time_is_over():
    async def ask():
        return None

    with pytest.raises(Unseen, match="the sky"):
        await seen(ask, "the sky", seconds=0)


async def test_a_board_wakes_whoever_waits():
    board = Board()
    posted: list[int] = []
    waiter = asyncio.create_task(board.until(lambda: len(posted) == 2, "two", seconds=5))
    for number in range(2):
        await asyncio.sleep(0)
        posted.append(number)
        board.post()

    await waiter


async def test_a_board_says_what_was_not_posted():
    with pytest.raises(Unseen, match="nothing at all"):
        await Board().until(lambda: False, "nothing at all", seconds=0.01)
