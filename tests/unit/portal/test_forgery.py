"""A person's own press, told from everything else."""

import pytest

from services.portal.domain.errors import ForgedRequest
from services.portal.domain.forgery import Sender, check_form_token, check_sender, form_token
from services.portal.domain.seal import Seal, SecretTooShort

OURS = "https://prompts.example"
SEAL = Seal(bytes(32))


@pytest.mark.parametrize(
    "sender",
    [Sender(), Sender(OURS), Sender(OURS, "same-origin"), Sender(None, "same-origin")],
)
def test_our_own_page_may_send(sender):
    check_sender(sender, OURS)


@pytest.mark.parametrize(
    ("sender", "code"),
    [
        (Sender("https://evil.example"), "origin"),
        (Sender("http://prompts.example"), "origin"),
        (Sender("https://prompts.example:8443"), "origin"),
        (Sender("null"), "origin"),
        (Sender(OURS, "cross-site"), "fetch_site"),
        (Sender(OURS, "same-site"), "fetch_site"),
        (Sender(None, "none"), "fetch_site"),
    ],
)
def test_nobody_else_may(sender, code):
    with pytest.raises(ForgedRequest) as forged:
        check_sender(sender, OURS)

    assert forged.value.code == code


def test_a_form_belongs_to_one_session_and_one_secret():
    token = form_token(SEAL, "a")

    check_form_token(token, SEAL, "a")
    for seal, session_id in ((SEAL, "b"), (Seal(bytes([1]) * 32), "a")):
        with pytest.raises(ForgedRequest):
            check_form_token(token, seal, session_id)


def test_digests_for_different_purposes_and_parts_differ():
    marks = {SEAL.mark("a", "bc"), SEAL.mark("ab", "c"), SEAL.mark("a", "b", "c"), SEAL.mark("abc")}

    assert len(marks) == 4


def test_a_short_secret_seals_nothing():
    with pytest.raises(SecretTooShort):
        Seal(bytes(31))
