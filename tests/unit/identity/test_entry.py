"""What stands of an entry, whatever order its statements arrive in."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.entries import Entries
from services.identity.domain.entry import Entry, Placed, Standing, Statement, place
from services.identity.domain.life_event import LifeEvent, Reason
from tests.builders import BIRTH, NOW
from tests.laws import law

REGISTERED, CORRECTED = Reason.REGISTERED, Reason.FORMAL_CORRECTION
CANCELLED, REMOVED = Reason.CANCELLED, Reason.CANCELLATION_REMOVED


def said(event_id: str, reason: Reason = CORRECTED, of: str = "", **changed: Any) -> LifeEvent:
    """A statement that names another one, registered at minute 0 unless told otherwise."""
    about: dict[str, Any] = {
        "type": BIRTH,
        "publisher": "gro",
        "occurred": "2026-11-18",
        "registered_at": NOW + timedelta(minutes=changed.pop("minute", 0)),
        "nation": "W",
        "persons": (),
    }
    return LifeEvent(**about | changed, event_id=event_id, reason=reason, supersedes=of)


class Told:
    """Events as they arrive, one after the other."""

    def __init__(self, *events: LifeEvent) -> None:
        self.entries = Entries()
        self.answers: dict[str, Statement] = {}
        self._arrivals = count()
        for event in events:
            self.arrives(event)

    def arrives(self, event: LifeEvent, elsewhere: tuple[tuple[str, str], ...] = ()) -> str:
        new = Statement(
            event_id=event.event_id,
            type=event.type,
            publisher=event.publisher,
            reason=event.reason,
            supersedes=event.supersedes,
            registered_at=event.registered_at,
            sequence=event.sequence,
            arrival=next(self._arrivals),
            entry_id=event.event_id,
            case_id="",
            handles=frozenset(),
            root_event_id=event.event_id,
        )
        placed: Placed = place(new, self.entries.said(event))
        for each in (*placed.joined, answered := placed.repeating(elsewhere)):
            self.entries.put(each)
        self.answers[event.event_id] = answered
        return f"{answered.standing} {answered.root_event_id}"

    def entry(self, event: LifeEvent) -> Entry:
        return Entry(self.entries.said(event))


BIRTH_OF_X = said("x", REGISTERED)


@pytest.mark.parametrize(
    ("events", "last"),
    [
        ([BIRTH_OF_X], "in_force x"),
        ([BIRTH_OF_X, said("e", of="x")], "in_force x"),
        ([BIRTH_OF_X, said("c", CANCELLED, "x")], "in_force x"),
        ([BIRTH_OF_X, said("c", CANCELLED, "x"), said("r", REMOVED, "c")], "in_force r"),
        ([BIRTH_OF_X, said("c", CANCELLED, "x"), said("r", REMOVED, "x")], "in_force r"),
        # What was brought back counts anew, also for what is said of it later.
        (
            [*(BIRTH_OF_X, said("c", CANCELLED, "x"), said("r", REMOVED, "c")), said("e", of="x")],
            "in_force r",
        ),
        ([said("c", CANCELLED, "x"), BIRTH_OF_X], "cancelled c"),
        ([said("e", of="x"), BIRTH_OF_X], "replaced e"),
        ([said("e", of="x"), said("c", CANCELLED, "e"), BIRTH_OF_X], "cancelled e"),
        ([said("f", of="e", minute=2), said("e", of="x", minute=1), BIRTH_OF_X], "replaced f"),
        ([said("f", of="e", minute=2), BIRTH_OF_X, said("e", of="x", minute=1)], "replaced f"),
        ([said("c", CANCELLED, "x"), said("r", REMOVED, "c"), BIRTH_OF_X], "in_force r"),
        # A removal that came first took nothing back: what was counted goes on.
        (
            [BIRTH_OF_X, said("r", REMOVED, "x", minute=2), said("c", CANCELLED, "x", minute=1)],
            "replaced x",
        ),
        ([BIRTH_OF_X, said("e", of="x", sequence=2), said("d", of="x", minute=9)], "in_force x"),
        (
            [said("e", of="x", sequence=2), said("d", of="x", minute=9, sequence=1)],
            "replaced e",
        ),
        ([BIRTH_OF_X, said("e", of="x", minute=2), said("d", of="x", minute=1)], "replaced x"),
        # A correction lifts a cancellation if it is later for certain; a time alone is not.
        ([BIRTH_OF_X, said("c", CANCELLED, "x"), said("e", of="x", minute=5)], "cancelled x"),
        ([BIRTH_OF_X, said("c", CANCELLED, "x"), said("e", of="c")], "in_force e"),
        (
            [said("c", CANCELLED, "x", sequence=2), said("e", of="x", sequence=3)],
            "in_force e",
        ),
        (
            [said("e", of="x", sequence=3), said("c", CANCELLED, "x", sequence=2)],
            "replaced e",
        ),
        (
            [said("e", of="x", minute=5), said("c", CANCELLED, "x", minute=2)],
            "in_force e",
        ),
        # Nobody speaks of what another publisher said.
        ([said("c", CANCELLED, "x", publisher="nrs"), BIRTH_OF_X], "in_force x"),
        # Statements that name each other go by their times.
        ([said("a", of="b", minute=2), said("b", of="a", minute=1)], "replaced a"),
    ],
)
def test_how_a_statement_stands_and_where_it_counts(events, last):
    told = Told(*events[:-1])

    assert told.arrives(events[-1]) == last


def test_of_two_entries_that_turn_out_to_be_one_the_root_that_counted_first_stays():
    told = Told(said("f", of="e", minute=3), BIRTH_OF_X)

    assert told.arrives(said("e", of="x", minute=2)) == "replaced f"
    assert told.arrives(said("c", CANCELLED, "x", minute=4)) == "in_force f"
    assert told.entry(BIRTH_OF_X).void == {"x", "e", "f"}


def test_what_was_told_elsewhere_is_repeated_and_counts_there():
    told = Told()
    twin = (("other", "root"),)

    assert told.arrives(BIRTH_OF_X, twin) == "repeated root"
    assert told.arrives(said("e", of="x"), ()) == "in_force root"


def test_who_cancels_a_repetition_withdraws_nothing_of_the_other():
    told = Told()
    twin = (("other", "root"),)
    told.arrives(BIRTH_OF_X, twin)

    assert told.arrives(said("c", CANCELLED, "x")) == "in_force c"
    assert told.arrives(said("r", REMOVED, "c"), twin) == "repeated root"


def test_what_counted_here_is_not_counted_elsewhere():
    told = Told(BIRTH_OF_X, said("c", CANCELLED, "x"))

    assert told.arrives(said("r", REMOVED, "c"), (("x", "x"), ("other", "other"))) == "in_force r"


@st.composite
def chains(draw: st.DrawFn) -> list[LifeEvent]:
    """An entry whose later statements each name any earlier one."""
    size = draw(st.integers(2, 6))
    numbered = draw(st.sampled_from([(0,), (1,), (0, 1)]))
    later = [
        said(
            str(number),
            draw(st.sampled_from([CORRECTED, CORRECTED, CANCELLED, REMOVED])),
            str(draw(st.integers(0, number - 1))),
            minute=number,
            sequence=(number + 1) * draw(st.sampled_from(numbered)),
        )
        for number in range(1, size)
    ]
    return [said("0", REGISTERED, sequence=max(numbered)), *later]


@law
@given(st.data())
def test_any_order_of_arrival_ends_in_the_same_state(data):
    chain = data.draw(chains())
    order = data.draw(st.permutations(chain))

    ended, other = (Told(*each).entry(chain[0]) for each in (chain, order))

    assert (ended.void, ended.cancelled) == (other.void, other.cancelled)
    assert len(other.statements) == len(chain)


@law
@given(st.data())
def test_the_last_that_was_answered_in_force_is_in_force(data):
    """Where all know of each other from the start, because all name the first."""
    first, *later = data.draw(chains())
    chain = [first, *(said(e.event_id, e.reason, "0", minute=int(e.event_id)) for e in later)]
    order = data.draw(st.permutations(chain))
    told = Told(*order)

    in_force = [e for e in order if told.answers[e.event_id].standing is Standing.IN_FORCE]
    ended = told.entry(first)

    if ended.cancelled:
        assert in_force[-1].reason is CANCELLED
    else:
        assert in_force[-1].event_id not in ended.void
        assert in_force[-1].reason is not CANCELLED
