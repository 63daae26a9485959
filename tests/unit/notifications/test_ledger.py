from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from joinedup.nudges.v1 import decision_pb2
from services.notifications.domain.ledger import (
    Channel,
    State,
    called_off_by,
    rows_of,
    states_before,
)
from tests.unit.notifications.builders import NOW, a_decision, a_nudge_decision, an_arrival

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


def test_a_cancelled_nudge_calls_off_what_was_scheduled_for_that_person():
    cancelled = a_nudge_decision(outcome=decision_pb2.OUTCOME_CANCELLED)
    arrival = an_arrival(a_decision(cancelled))

    (called_off,) = called_off_by([arrival])

    assert called_off.subject == arrival.decision.subject
    assert called_off.nudge == "family.child-benefit"
