"""Every code that people may meet has a sentence."""

from joinedup.cli import words
from joinedup.cli.listening import in_words
from joinedup.cli.output import safe
from services.notifications.domain.ledger import Reason, State
from services.nudges.domain.decision import Outcome, SuppressionReason
from services.nudges.domain.nudge import Effect


def test_every_reason_for_no_prompt_has_a_sentence():
    for each in (*SuppressionReason, *Reason):
        assert words.reason(each) != each.replace("_", " "), each


def test_every_outcome_has_a_sentence():
    for each in Outcome:
        assert words.outcome(each) != each, each


def test_every_state_of_a_delivery_has_a_sentence():
    for each in State:
        code = each.value.lower()
        assert words.state(code) != code, each


def test_every_word_of_the_catalogue_for_a_correction_has_a_sentence():
    for each in Effect:
        assert words.correction(each) != each, each


def test_a_code_nobody_has_worded_is_spelt_out():
    assert words.reason("moon_phase") == "moon phase"


def test_text_of_others_has_no_power_over_the_terminal():
    assert safe("\x1b[31m[red]boo") == "[31m\\[red]boo"


def test_a_prompt_is_shown_in_its_own_language():
    opened = {
        "language": "cy",
        "title": "Gallwch hawlio Budd-dal Plant",
        "value": "Taliad wythnosol",
        "why": {"rule": "Cofrestrwyd genedigaeth.", "controller_name": "Cyllid a Thollau EF"},
    }

    lines = in_words(opened)

    assert "Beth yw ei werth: Taliad wythnosol" in lines
    assert not any("worth" in line or "Why" in line for line in lines)
