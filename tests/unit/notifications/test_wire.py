from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from joinedup.identity.v1 import permission_set_pb2
from joinedup.nudges.v1 import decision_pb2
from services.notifications.domain.decision import Outcome
from services.notifications.domain.errors import DecisionInvalid
from services.notifications.domain.ledger import State
from services.notifications.domain.permission import Choice, Flag
from services.notifications.wire.decisions import STATES, decision_from_record, decision_of
from services.notifications.wire.permissions import permission_set_of
from tests.unit.notifications.builders import (
    a_decision,
    a_given_row,
    a_nudge_decision,
    a_set_message,
    a_withdrawn_row,
    as_decision,
)

MAIR, NIA = "m" * 26, "n" * 26


def reason_of(message: decision_pb2.Decision, key: bytes | None = None) -> str:
    with pytest.raises(DecisionInvalid) as refused:
        decision_of(message, message.subject.encode() if key is None else key)
    return refused.value.reason


def test_a_decision_survives_its_way_through_bytes():
    message = a_decision()

    decision = decision_from_record(message.SerializeToString())

    assert decision == as_decision(message)
    assert decision.nudges[0].outcome is Outcome.ISSUED
    assert decision.nudges[0].parameters == {"occurred": "2026-11-18", "deadline": "2027-02-16"}


def test_a_record_under_somebody_else_s_key_is_refused():
    assert reason_of(a_decision(), MAIR.encode()) == "key_mismatch"


def test_a_record_without_ids_or_times_is_refused():
    assert reason_of(a_decision(event_id="short")) == "decode"
    assert reason_of(a_decision(root_event_id="short")) == "decode"
    assert reason_of(a_decision(subject="")) == "decode"
    assert reason_of(a_decision(recorded_at=None)) == "decode"


def test_a_prompt_without_an_id_is_refused():
    cancelled = decision_pb2.OUTCOME_CANCELLED

    assert reason_of(a_decision(a_nudge_decision(prompt_id=""))) == "decode"
    assert reason_of(a_decision(a_nudge_decision(outcome=cancelled, prompt_id="x"))) == "decode"


def test_a_first_statement_is_its_own_root():
    named = as_decision(a_decision(event_id=MAIR, root_event_id=NIA))

    assert not as_decision(a_decision()).is_later_statement
    assert (named.root_event_id, named.is_later_statement) == (NIA, True)


def test_an_outcome_nobody_wrote_is_refused_and_one_of_the_future_waits_for_the_upgrade():
    unwritten = a_nudge_decision(outcome=decision_pb2.OUTCOME_UNSPECIFIED)
    future = a_nudge_decision(outcome=77)

    assert reason_of(a_decision(unwritten)) == "decode"
    assert reason_of(a_decision(future)) == "schema_future"


def test_a_text_that_no_database_keeps_is_refused():
    assert reason_of(a_decision(a_nudge_decision(purpose="fam\0ily"))) == "decode"
    with pytest.raises(DecisionInvalid):
        permission_set_of(a_set_message(MAIR, 1, a_given_row(controller="hm\0rc")))


def test_an_instant_outside_of_all_calendars_is_refused():
    far = Timestamp(seconds=2**62)

    assert reason_of(a_decision(decided_at=far)) == "decode"


def test_a_set_is_read_whole():
    ends = datetime(2027, 1, 1, tzinfo=UTC)
    row = a_given_row(expires_at=ends, epoch=4)
    read = permission_set_of(a_set_message(MAIR, 9, row, a_withdrawn_row(2, controller="dwp")))

    assert read.serial == 9
    given, withdrawn = read.permissions
    assert (given.choice, given.epoch, given.expires_at) == (Choice.GIVEN, 4, ends)
    assert given.channels == {"inbox", "stream"}
    assert withdrawn.choice is Choice.WITHDRAWN
    assert not read.flags


def test_what_a_newer_identity_says_is_never_leave_to_send():
    row = a_given_row(choice=77)
    read = permission_set_of(a_set_message(MAIR, 1, row, flags=[77]))

    assert read.permissions[0].choice is Choice.UNSAID
    assert read.flags == {Flag.DECEASED}


def test_a_flag_is_read():
    flags = [permission_set_pb2.FLAG_DECEASED]

    assert permission_set_of(a_set_message(MAIR, 1, flags=flags)).flags == {Flag.DECEASED}


@pytest.mark.parametrize("subject", ["", "short", "M" * 26])
def test_a_set_of_nobody_is_refused(subject: str):
    with pytest.raises(DecisionInvalid):
        permission_set_of(a_set_message(subject))


def test_every_state_has_its_number():
    assert len(set(STATES.values())) == len(State)
