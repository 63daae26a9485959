"""How long one stays signed in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.portal.domain.errors import SignInNeeded
from services.portal.domain.session import Happened, Notice, Session, start_of
from services.portal.handlers.sign_in import token_of

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SESSION = Session(
    account="a",
    person_token="t",
    token_expires_at=NOW + 15 * MINUTE,
    started_at=NOW,
    seen_at=NOW,
)


def test_a_session_ends_after_fifteen_minutes_without_a_visit():
    assert not SESSION.is_over(NOW + 15 * MINUTE - timedelta(seconds=1))
    assert SESSION.is_over(NOW + 15 * MINUTE)


def test_a_visit_keeps_it_for_fifteen_minutes_more():
    seen = SESSION.seen(NOW + 10 * MINUTE)

    assert not seen.is_over(NOW + 24 * MINUTE)
    assert seen.lives_for(NOW + 10 * MINUTE) == 15 * MINUTE


def test_a_visit_never_moves_it_back():
    later = SESSION.seen(NOW + 10 * MINUTE)

    assert later.seen(NOW) == later


def test_eight_hours_are_the_most():
    busy = replace(SESSION, seen_at=NOW + 8 * 60 * MINUTE - MINUTE)

    assert busy.lives_for(busy.seen_at) == MINUTE
    assert busy.is_over(NOW + 8 * 60 * MINUTE)


def test_signing_in_again_continues_the_eight_hours_of_a_living_session():
    assert start_of(SESSION, NOW + 5 * MINUTE) == NOW
    assert start_of(SESSION, NOW + 20 * MINUTE) == NOW + 20 * MINUTE
    assert start_of(None, NOW) == NOW


def test_a_token_about_to_run_out_is_not_used():
    assert token_of(SESSION, NOW + 14 * MINUTE) == "t"
    with pytest.raises(SignInNeeded):
        token_of(SESSION, NOW + 15 * MINUTE - timedelta(seconds=5))
    with pytest.raises(SignInNeeded):
        token_of(None, NOW)


def test_a_session_does_not_show_its_token():
    assert "person_token" not in repr(SESSION)


@pytest.mark.parametrize(
    ("happened", "settled"),
    [(Happened.GIVEN, True), (Happened.WITHDRAWN, True), (Happened.TAKING_EFFECT, False)],
)
def test_only_what_is_taking_effect_is_unsettled(happened, settled):
    assert Notice(happened, "family", "hmrc").settled is settled
