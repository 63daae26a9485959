"""What `joinedup why` says of an entry that the register corrected."""

from typing import Any

from joinedup.cli import why
from joinedup.notifications.v1 import decisions_pb2 as pb
from joinedup.notifications.v1.prompts_pb2 import STATE_OPENED, STATE_SUPPRESSED

FIRST, LATER, PROMPT = "f" * 26, "l" * 26, "p" * 26


def an_answer(*nudges: pb.ExplainedNudge, **changed: Any) -> pb.ExplainResponse:
    decision = pb.ExplainedDecision(number=1, role="mother", nudges=nudges)
    about: dict[str, Any] = {
        "event_id": LATER,
        "statements": [FIRST, LATER],
        "decisions": [decision],
    }
    return pb.ExplainResponse(**{**about, **changed})


def lines(answer: pb.ExplainResponse, capsys: Any) -> list[str]:
    why._show(why.explained(answer, ""))
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


def test_a_cancelled_entry_says_where_each_prompt_ended(capsys):
    ended = [
        pb.ExplainedDelivery(channel="inbox", state=STATE_OPENED, reason="called_off"),
        pb.ExplainedDelivery(channel="stream", state=STATE_SUPPRESSED, reason="called_off"),
    ]
    called_off = pb.ExplainedNudge(
        nudge="family.child-benefit",
        version="1.0",
        outcome="cancelled",
        reasons=["event_cancelled"],
        prompt_id=PROMPT,
        deliveries=ended,
    )

    said = lines(an_answer(called_off), capsys)

    assert f"statement 2 of 2 about one entry of the register: {FIRST}, {LATER}" in said
    assert "family.child-benefit 1.0: cancelled, its prompt is called off, if there is one" in said
    assert "because the register took the event back (event_cancelled)" in said
    assert "inbox: opened by the person (a later event called it off)" in said
    assert "stream: stopped before the person opened it (a later event called it off)" in said


def test_a_correction_that_changes_nothing_says_so(capsys):
    kept = pb.ExplainedNudge(
        nudge="family.child-benefit",
        version="1.0",
        outcome="suppressed",
        reasons=["correction_kept"],
    )

    said = lines(an_answer(kept), capsys)

    words = "because a correction of this kind leaves prompts as they are (correction_kept)"
    assert words in said


def test_an_entry_of_which_one_thing_was_said_has_no_line_about_statements(capsys):
    said = lines(an_answer(event_id=FIRST, statements=[FIRST]), capsys)

    assert not [line for line in said if "statement" in line]


def test_programs_are_given_the_statements_as_a_list():
    assert why.explained(an_answer(), "")["statements"] == [FIRST, LATER]
