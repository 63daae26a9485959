"""What the provider's answer must match."""

import itertools

import pytest

from services.portal.domain.errors import SignInDeclined, SignInRefused, Unavailable
from services.portal.domain.sign_in import Answer, check_issuer, code_of, new_attempt

ISSUER = "https://sign-in.example"


def ids():
    numbers = itertools.count()
    return lambda: f"{next(numbers):026d}"


def test_an_attempt_is_made_of_fresh_ids_and_a_verifier_that_is_long_enough():
    attempt = new_attempt("/choices", ids())

    assert len({attempt.state, attempt.nonce, attempt.verifier}) == 3
    assert 43 <= len(attempt.verifier) <= 128
    assert attempt.next_path == "/choices"
    assert attempt.state not in repr(attempt)


def test_an_attempt_leads_home_rather_than_elsewhere():
    assert new_attempt("//evil.example", ids()).next_path == "/"


@pytest.mark.parametrize(
    ("given", "always_named", "accepted"),
    [
        (ISSUER, True, True),
        (ISSUER, False, True),
        (None, False, True),
        (None, True, False),
        ("https://other.example", False, False),
        ("https://other.example", True, False),
        ("", False, False),
    ],
)
def test_only_the_issuer_that_was_asked_may_answer(given, always_named, accepted):
    def check():
        check_issuer(Answer(issuer=given), ISSUER, always_named=always_named)

    if accepted:
        check()
    else:
        with pytest.raises(SignInRefused) as refused:
            check()
        assert refused.value.code == "login_issuer"


def test_a_code_is_taken_from_an_answer_without_error():
    assert code_of(Answer(state="s", code="c")) == "c"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(error="access_denied"), SignInDeclined),
        (Answer(error="access_denied", code="c"), SignInDeclined),
        (Answer(error="temporarily_unavailable"), Unavailable),
        (Answer(error="invalid_scope"), SignInRefused),
        (Answer(error="", code="c"), SignInRefused),
        (Answer(), SignInRefused),
        (Answer(code=""), SignInRefused),
    ],
)
def test_an_answer_with_an_error_is_never_redeemed(answer, error):
    with pytest.raises(error):
        code_of(answer)
