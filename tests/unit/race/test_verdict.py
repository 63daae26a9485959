"""What must not be found in a race: each check can fail, and passes what only looks like it."""

from __future__ import annotations

import pytest

from tests.faults.history import merge
from tests.faults.operation import Kind
from tests.race.commit_order import operations
from tests.race.verdict import (
    FRAME_NS,
    claimed_after_an_end,
    framed_after_an_end,
    judge,
    latest_frame_ns,
    rows_gone_astray,
    unfinished,
)
from tests.unit.faults.builders import a_history, ok, unknown
from tests.unit.race.builders import CLOCK, moved, said

CLAIM, FRAME, FREEZE, WITHDRAW = Kind.CLAIM, Kind.FRAME, Kind.FREEZE, Kind.WITHDRAW
NO = ok(WITHDRAW, 100, 120, epoch=1)
LATE = 120 + FRAME_NS + 1
FRAMED = {"prompt_id": "n" * 26, "epoch": 0}


@pytest.mark.parametrize(
    "claim",
    [
        ok(CLAIM, 121, 130, serial=9),
        ok(CLAIM, 121, 130, serial=9, epoch=0, channel="inbox"),
    ],
)
def test_no_claim_begins_after_a_no_took_effect(claim):
    (found,) = claimed_after_an_end(a_history(NO, claim))

    assert found.invariant == "I3"
    assert found.operations == (NO, claim)


@pytest.mark.parametrize(
    ("no", "claim"),
    [
        (NO, ok(CLAIM, 119, 130, serial=9)),
        (NO, ok(CLAIM, 121, 130, serial=9, epoch=1)),
        (NO, ok(CLAIM, 121, 130, serial=9, purpose="money")),
        (unknown(WITHDRAW, 100, 120, epoch=1), ok(CLAIM, 121, 130, serial=9)),
        # The gate's own ends are no word to the person: they are judged by their serials.
        (ok(WITHDRAW, 100, 120, epoch=1, serial=10), ok(CLAIM, 121, 130, serial=9)),
    ],
)
def test_a_claim_may_have_begun_before_it_or_be_of_something_else(no, claim):
    assert claimed_after_an_end(a_history(no, claim)) == []


def test_no_frame_arrives_long_after_a_no_took_effect():
    frame = ok(FRAME, LATE, LATE, **FRAMED)

    (found,) = framed_after_an_end(a_history(NO, frame))

    assert found.operations == (NO, frame)


@pytest.mark.parametrize(
    "others",
    [
        (ok(FRAME, LATE - 1, LATE - 1, **FRAMED),),
        (ok(FRAME, 110, LATE, **FRAMED),),
        (ok(FRAME, LATE, LATE, **FRAMED | {"epoch": 1}),),
        (ok(FRAME, LATE, LATE, **FRAMED), ok(FREEZE, 90, LATE - 10, part="notifications")),
    ],
)
def test_a_frame_that_was_on_its_way_may_arrive(others):
    assert framed_after_an_end(a_history(NO, *others)) == []


@pytest.mark.parametrize(
    "freeze",
    [
        ok(FREEZE, 121, LATE - 10, part="notifications"),
        ok(FREEZE, 90, 110, part="notifications"),
        ok(FREEZE, 90, LATE - 10, part="identity"),
    ],
)
def test_a_freeze_excuses_only_what_it_stopped(freeze):
    assert framed_after_an_end(a_history(NO, ok(FRAME, LATE, LATE, **FRAMED), freeze))


def test_how_late_a_frame_came_is_measured():
    assert latest_frame_ns(a_history(NO, ok(FRAME, 170, 190, **FRAMED))) == 50
    assert latest_frame_ns(a_history(NO, ok(FRAME, 110, 190, **FRAMED))) == 0


NEW = moved("", "new")
LIFE = (NEW, moved("new", "claimed", fence=1), moved("claimed", "sent", fence=1))


@pytest.mark.parametrize(
    "rows",
    [
        (NEW, moved("", "new")),
        (*LIFE, moved("sent", "claimed", fence=2)),
        (NEW, moved("new", "suppressed"), moved("suppressed", "claimed", fence=1)),
        (
            *LIFE[:2],
            moved("claimed", "new", fence=1),
            moved("new", "claimed", fence=1),
        ),
    ],
)
def test_a_row_is_not_claimed_twice_nor_after_its_end(rows):
    found = rows_gone_astray(rows)

    assert {each.invariant for each in found} == {"I2"}


@pytest.mark.parametrize(
    "rows",
    [
        LIFE,
        (*LIFE[:2], moved("claimed", "new", fence=2), moved("new", "claimed", fence=3)),
        (*LIFE, moved("new", "sent", channel="inbox", fence=1), moved("", "new", channel="inbox")),
    ],
)
def test_a_row_may_be_claimed_again_after_its_lease(rows):
    assert rows_gone_astray(rows) == []


def test_a_claim_that_the_database_put_behind_the_end_is_found():
    """What a gate and a claim in two transactions come to."""
    rows = [
        NEW,
        said("given", 0),
        said("withdrawn", 1, at=5),
        moved("new", "suppressed", at=5),
        moved("suppressed", "claimed", at=6, fence=1),
    ]
    order = a_history(*operations(rows, CLOCK, 1))

    found = judge(a_history(), order, rows)

    assert {each.invariant for each in found} == {"I2", "I3"}


def test_a_run_that_keeps_its_promises_is_not_contradicted():
    told = a_history(
        ok(WITHDRAW, 5_000_000, 9_000_000, epoch=1),
        ok(Kind.SHOW, 3_000_000, 3_000_000, epoch=None),
        ok(FRAME, 3_000_000, 3_000_000),
    )
    rows = [
        said("given", 0),
        NEW,
        moved("new", "claimed", fence=1, at=2),
        moved("claimed", "sent", fence=1, at=3),
        said("withdrawn", 1, at=6),
        moved("sent", "suppressed", reason="withdrawn", at=6),
    ]
    order = a_history(*operations(rows, CLOCK, 1))

    assert judge(told, order, rows) == []
    assert len(merge(told, order).operations) == 6


def test_what_waits_or_is_being_sent_is_unfinished():
    assert unfinished([NEW]) == 1
    assert unfinished(LIFE[:2]) == 1
    assert unfinished(LIFE) == 0
