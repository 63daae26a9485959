"""What comes back, and what is too late for that."""

from datetime import date

import pytest

from services.kit.ids import is_id
from services.notifications.domain import digest
from services.notifications.domain.nudge import Names, nudge_of
from services.notifications.domain.prompt import Language, OpenedPrompt
from services.notifications.domain.rendering import render
from tests.unit.notifications.builders import (
    a_decision,
    a_nudge_decision,
    a_nudge_document,
    as_decision,
)

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("deadline", "has_time"),
    [
        ("2026-11-23", False),
        ("2026-11-24", True),
        ("2027-01-01", True),
        ("soon", True),
    ],
)
def test_only_what_has_its_deadline_ahead_comes_back(deadline, has_time):
    assert digest.has_time({"deadline": deadline}, TODAY) is has_time


def test_what_has_no_deadline_comes_back():
    assert digest.has_time({}, TODAY)


def test_a_set_brings_back_one_digest_however_often_it_is_taken():
    made = digest.digest_id("a" * 26, 7)

    assert is_id(made)
    assert made == digest.digest_id("a" * 26, 7)
    assert made not in {digest.digest_id("a" * 26, 8), digest.digest_id("b" * 26, 7)}


@pytest.mark.parametrize("language", Language)
def test_its_words_are_there_in_both_languages_and_each_part_is_whole(language):
    nudge = a_nudge_decision()
    part = OpenedPrompt(
        nudge.prompt_id, as_decision(a_decision(nudge)), a_nudge_document(), answer=None
    )
    cover = OpenedPrompt("c" * 26, None, digest.DOCUMENT, answer=None, parts=(part,))

    content = render(cover, Names(), language)

    texts = nudge_of(digest.DOCUMENT)
    assert (content.title, content.body) == (texts.title.in_(language), texts.body.in_(language))
    assert content.parts == (render(part, Names(), language),)
