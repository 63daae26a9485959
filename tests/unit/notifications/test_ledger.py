from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from joinedup.nudges.v1 import decision_pb2
from services.notifications.domain.ledger import (
    CalledOff,
    Channel,
    State,
    called_off_by,
    rows_of,
    states_before,
)
from tests.unit.notifications.builders import (
    NOW,
    a_call_off,
    a_decision,
    a_later_decision,
    a_nudge_decision,
    an_arrival,
    as_decision,
)

FINAL = {State.OPENED, State.SUPPRESSED, State.EXPIRED, State.DEAD}


def test_the_final_states_are_these():
    assert {state for state in State if state.is_final} == FINAL


@pytest.mark.parametrize(("final", "following"), list(product(sorted(FINAL), State)))
def test_there_is_no_way_back_from_a_final_state(final: State, following: State):
    assert not final.may_become(following)


def test_every_state_but_the_first_can_be_reached_and_every_prompt_can_end():
    reached = {following for state in State for following in State if state.may_become(following)}

    assert reached == set(State)
    assert all(state.may_become(State.SUPPRESSED) for state in set(State) - FINAL)


def test_a_prompt_that_was_delivered_is_never_sent_again():
    assert not State.DELIVERED.may_become(State.NEW)
    assert not State.SENT.may_become(State.NEW)
    assert "delivered" not in states_before(State.SENT)


def test_an_issued_nudge_asks_for_one_row_a_channel_now():
    arrival = an_arrival(a_decision(a_nudge_decision(due_at=NOW + timedelta(days=3))))

    rows = rows_of(arrival, NOW)

    assert {row.channel for row in rows} == {Channel.INBOX, Channel.STREAM}
    assert {(row.not_before, row.scheduled) for row in rows} == {(NOW, False)}


def test_a_scheduled_nudge_waits_until_it_is_due():
    due = NOW + timedelta(days=30)
    scheduled = a_nudge_decision(outcome=decision_pb2.OUTCOME_SCHEDULED, due_at=due)

    rows = rows_of(an_arrival(a_decision(scheduled)), NOW)

    assert {(row.not_before, row.scheduled) for row in rows} == {(due, True)}


@pytest.mark.parametrize("outcome", ["HELD_OUT", "SUPPRESSED", "CANCELLED"])
def test_a_refusal_asks_for_no_row(outcome: str):
    number = decision_pb2.Outcome.Value(f"OUTCOME_{outcome}")

    assert not rows_of(an_arrival(a_decision(a_nudge_decision(outcome=number))), NOW)


def test_a_channel_that_is_not_known_here_is_left_out_and_a_repeated_one_counts_once():
    nudge = a_nudge_decision(channels=["inbox", "pigeon", "inbox"])

    rows = rows_of(an_arrival(a_decision(nudge)), NOW)

    assert [row.channel for row in rows] == [Channel.INBOX]


def test_a_nudge_that_was_fulfilled_calls_off_what_waits_whatever_it_was_planned_for():
    fulfilled = a_nudge_decision(outcome=decision_pb2.OUTCOME_CANCELLED, prompt_id="")
    event = as_decision(decided := a_decision(fulfilled))

    assert called_off_by([an_arrival(decided)]) == [
        CalledOff(event.event_id, event.subject, "family.child-benefit")
    ]


def test_a_prompt_that_is_named_is_called_off_with_all_of_its_entry():
    issued = a_nudge_decision()
    first = a_decision(issued)
    cancelled = a_later_decision(first, a_call_off(issued))

    assert called_off_by([an_arrival(first), an_arrival(cancelled)]) == [
        CalledOff(
            *(cancelled.event_id, first.subject, issued.nudge, first.event_id),
            prompt_id=issued.prompt_id,
        )
    ]


def test_an_amended_prompt_stays_and_ends_those_of_an_older_major():
    issued = a_nudge_decision()
    first = a_decision(issued)
    amended = a_later_decision(first, issued)

    assert called_off_by([an_arrival(amended)]) == [
        CalledOff(
            *(amended.event_id, first.subject, issued.nudge, first.event_id),
            stays=issued.prompt_id,
        )
    ]


def test_a_withdrawn_entry_calls_off_everything_of_it():
    issued = a_nudge_decision()
    first = a_decision(issued)
    cancelled = a_later_decision(first, a_call_off(issued), withdraws_entry=True)

    (called_off,) = called_off_by([an_arrival(cancelled)])

    assert called_off == CalledOff(cancelled.event_id, root_event_id=first.event_id)
    assert called_off.whole_entry


def test_a_row_knows_the_entry_its_prompt_counts_for():
    first = a_decision()
    amended = a_later_decision(first)

    assert {row.root_event_id for row in rows_of(an_arrival(first), NOW)} == {first.event_id}
    assert {row.root_event_id for row in rows_of(an_arrival(amended), NOW)} == {first.event_id}
