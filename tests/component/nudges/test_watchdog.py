"""When a worker that seems alive is not."""

from __future__ import annotations

import pytest

from services.nudges.entrypoints.watchdog import Verdict, Watchdog


def looks(*rows):
    """Verdicts for (second, member, lag, finished)."""
    dog = Watchdog(0.0)
    return [
        dog.look(at, member=member, lag=lag, finished=finished)
        for at, member, lag, finished in rows
    ]


def test_a_lag_that_does_not_move_for_thirty_seconds():
    assert looks((1, True, 5, 7), (30.9, True, 5, 7), (31, True, 9, 7)) == [
        None,
        None,
        Verdict.STALLED,
    ]


def test_a_worker_that_never_finished_anything():
    assert looks((2, True, 5, 0), (31, True, 5, 0), (32, True, 5, 0))[-1] is Verdict.STALLED


@pytest.mark.parametrize(
    "rows",
    [
        [(at, True, 5, at) for at in range(0, 100, 10)],  # slow, but it moves
        [(at, True, 0, 7) for at in range(0, 100, 10)],  # nothing to do
        [(at, True, None, 7) for at in range(0, 100, 10)],  # the broker is away
        [(at, False, None, 7) for at in range(0, 100, 10)],  # the same, and no place either
    ],
)
def test_a_worker_that_is_well(rows):
    assert set(looks(*rows)) == {None}


def test_a_broker_that_comes_back_gives_the_worker_its_whole_time():
    rows = [(0, True, 5, 7), (29, True, None, 7), (58, True, 5, 7), (59, True, 5, 7)]

    assert looks(*rows) == [None, None, None, Verdict.STALLED]


def test_no_place_in_the_group_for_two_session_timeouts():
    rows = [(1, True, 0, 0), (20, False, 0, 0), (21, False, 0, 0)]

    assert looks(*rows) == [None, None, Verdict.UNASSIGNED]
    assert looks((19, False, 0, 0), (20, False, 0, 0)) == [None, Verdict.UNASSIGNED]
