"""What reached the devices is judged by what the platform says it decided."""

from datetime import UTC, datetime

import pytest

from demo.acts.play import nothing_wrong
from demo.departments import Registers
from demo.devices import Transcript
from demo.evidence import Explained, issued_to, missing, openable_ms, owners
from demo.publishing import Acked
from demo.waiting import Unseen
from joinedup.client import Receipt
from joinedup.notifications.v1 import decisions_pb2 as pb
from joinedup.notifications.v1 import prompts_pb2
from tests.unit.demo.town import CAST

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MOTHER, OTHER = CAST.mother, CAST.listening[1]


def transcripts_of(*people):
    return {each.sub: Transcript(each) for each in people}


def a_birth(*nudges):
    """A birth that was decided so."""
    sent = Registers("R").birth(MOTHER, None, child="Non", on=NOW.date(), now=NOW)
    acked = Acked(sent, Receipt("e" * 26, "", duplicate=False), began=10.0, ended=10.1)
    decision = pb.ExplainedDecision(role="mother", nudges=nudges)
    return Explained(acked, pb.ExplainResponse(decisions=[decision]))


def a_nudge(prompt_id="p1", outcome="issued", channel="stream"):
    delivery = pb.ExplainedDelivery(channel=channel, state=prompts_pb2.STATE_SENT)
    return pb.ExplainedNudge(
        nudge="family.child-benefit", outcome=outcome, prompt_id=prompt_id, deliveries=[delivery]
    )


def test_what_was_issued_to_a_stream_should_stand_on_its_device():
    explained = [
        a_birth(
            a_nudge("p1"),
            a_nudge("p2", channel="inbox"),
            a_nudge("p3", outcome="scheduled"),
        )
    ]

    assert [each.prompt_id for each in issued_to(explained, [MOTHER.sub])] == ["p1"]
    assert issued_to(explained, [OTHER.sub]) == []


def test_a_prompt_is_missing_until_it_is_shown_and_opened():
    issued = issued_to([a_birth(a_nudge("p1"))], [MOTHER.sub])
    devices = transcripts_of(MOTHER)
    transcript = devices[MOTHER.sub]

    assert missing(issued, devices) == issued
    transcript.shown.append("p1")
    assert missing(issued, devices) == issued
    transcript.opened["p1"] = prompts_pb2.OpenResponse()
    assert missing(issued, devices) == []


def test_openable_counts_from_the_moment_of_publishing():
    issued = issued_to([a_birth(a_nudge("p1"))], [MOTHER.sub])
    devices = transcripts_of(MOTHER)
    devices[MOTHER.sub].openable_at["p1"] = 10.25

    assert openable_ms(issued, devices) == [250.0]


def test_a_prompt_shown_twice_is_seen():
    devices = transcripts_of(MOTHER)
    devices[MOTHER.sub].shown += ["p1", "p1"]

    with pytest.raises(Unseen, match="twice"):
        nothing_wrong(devices, {})


def test_a_prompt_on_somebody_elses_device_is_seen():
    devices = transcripts_of(MOTHER, OTHER)
    devices[OTHER.sub].shown.append("p1")

    with pytest.raises(Unseen, match="another person"):
        nothing_wrong(devices, owners([a_birth(a_nudge("p1"))]))


def test_each_prompt_on_its_own_device_is_right():
    devices = transcripts_of(MOTHER, OTHER)
    devices[MOTHER.sub].shown.append("p1")

    nothing_wrong(devices, owners([a_birth(a_nudge("p1"))]))
