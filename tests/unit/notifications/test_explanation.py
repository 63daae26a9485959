from __future__ import annotations

import pytest

from services.notifications.domain.explanation import Delivery, Kept, explain, trace_id_of
from services.notifications.domain.ledger import Channel, State
from services.notifications.domain.prompt import OutcomeKind, outcome_id
from tests.unit.notifications.builders import (
    NOW,
    TRACEPARENT,
    a_decision,
    a_nudge_decision,
    as_decision,
)

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_each_person_has_a_number_and_each_nudge_its_deliveries():
    issued, refused = a_nudge_decision(), a_nudge_decision(prompt_id="", outcome=5)
    mine = as_decision(a_decision(issued, refused))
    theirs = as_decision(a_decision(event_id=mine.event_id))
    delivery = Delivery(issued.prompt_id, Channel.INBOX, State.SENT, "", NOW)

    kept = [Kept(mine, TRACEPARENT), Kept(theirs, TRACEPARENT)]
    told = explain(kept, [delivery], [mine.event_id])

    assert [each.number for each in told.decisions] == [1, 2]
    assert [deliveries for _, deliveries in told.decisions[0].nudges] == [(delivery,), ()]
    assert told.trace_id == TRACE
    assert told.statements == (mine.event_id,)


@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [(TRACEPARENT, TRACE), (TRACEPARENT[:-1] + "0", ""), ("", ""), ("a-b", "")],
)
def test_a_trace_that_was_not_sampled_is_not_shown(traceparent: str, trace_id: str):
    assert trace_id_of(traceparent) == trace_id


def test_an_outcome_s_id_is_the_same_for_the_same_thing_and_differs_for_another():
    one = outcome_id("p" * 26, OutcomeKind.OPENED, Channel.INBOX)

    assert one == outcome_id("p" * 26, OutcomeKind.OPENED, Channel.INBOX)
    assert one != outcome_id("p" * 26, OutcomeKind.DONE, Channel.INBOX)
    assert one != outcome_id("p" * 26, OutcomeKind.OPENED, Channel.STREAM)
    assert len(one) == 26
