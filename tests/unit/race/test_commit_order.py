"""What the database wrote down, read as operations with serials."""

from __future__ import annotations

import pytest

from tests.faults.operation import Kind
from tests.race.commit_order import Clock, operations
from tests.unit.race.builders import BEGAN, CLOCK, moved, said

LEASE_NS = 5_000_000_000


def read(*rows):
    return list(operations(rows, CLOCK, LEASE_NS))


def test_an_end_is_where_an_epoch_is_seen_first():
    first = said("given", 0)
    no, no_again = said("withdrawn", 1), said("withdrawn", 1)
    yes, objection = said("given", 1), said("objected", 2)

    found = read(first, no, no_again, yes, objection)

    assert [(each.kind, each.serial, each.epoch) for each in found] == [
        (Kind.WITHDRAW, no.number, 1),
        (Kind.OBJECT, objection.number, 2),
    ]


def test_a_no_that_was_never_taken_alone_is_still_an_end():
    (found,) = read(said("given", 0), said("given", 1))

    assert (found.kind, found.epoch) == (Kind.WITHDRAW, 1)


def test_each_permission_has_its_own_epochs():
    assert len(read(said("withdrawn", 1), said("withdrawn", 1, purpose="money"))) == 2


@pytest.mark.parametrize(
    ("was", "state", "kind"),
    [
        ("new", "claimed", Kind.CLAIM),
        ("new", "sent", Kind.CLAIM),
        ("suppressed", "claimed", Kind.CLAIM),
        ("sent", "claimed", Kind.CLAIM),
        ("sent", "opened", Kind.OPEN),
        ("new", "suppressed", Kind.SUPPRESS),
    ],
)
def test_a_prompt_that_moves_is_an_operation(was, state, kind):
    (found,) = read(moved(was, state))

    assert found.kind is kind


@pytest.mark.parametrize(
    ("was", "state", "reason"),
    [
        ("", "new", ""),
        ("claimed", "sent", ""),
        ("claimed", "new", ""),
        ("sent", "delivered", ""),
        ("new", "opened", "opened_elsewhere"),
    ],
)
def test_a_prompt_that_only_goes_on_is_none(was, state, reason):
    assert read(moved(was, state, reason=reason)) == []


def test_only_a_claim_for_a_stream_lapses():
    stream, inbox = read(moved("new", "claimed"), moved("new", "sent", channel="inbox"))

    assert (stream.lease_ns, inbox.lease_ns) == (LEASE_NS, None)


def test_a_transaction_lasts_from_its_begin_to_its_number():
    (found,) = read(moved("new", "claimed", begun=3, at=8))

    assert (found.invoked_ns, found.completed_ns) == (3_000_000, 8_000_000)


def test_a_clock_that_was_moved_widens_what_is_known():
    moved_by = CLOCK.until(Clock(CLOCK.offset_ns - 70))

    assert (moved_by.earliest(BEGAN), moved_by.latest(BEGAN)) == (-70, 70)
