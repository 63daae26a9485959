"""What people agree to."""

from dataclasses import replace

import pytest

from services.identity.domain.agreement import Agreement, LawfulBasis, agreed
from services.identity.domain.errors import AgreementChanged, OfferUnknown

AGREEMENT = Agreement(
    purpose="family",
    controller="hmrc",
    lawful_basis=LawfulBasis.EXPLICIT_CONSENT,
    purpose_name={"en": "Family", "cy": "Teulu"},
    controller_name={"en": "HMRC", "cy": "CThEF"},
    text={"en": "It may help.", "cy": "Caiff helpu."},
)
OFFERED = {AGREEMENT.key: AGREEMENT}


def test_the_agreement_that_was_shown_is_in_force():
    assert agreed(OFFERED, "family", "hmrc", AGREEMENT.hash) is AGREEMENT


@pytest.mark.parametrize(
    ("purpose", "controller"), [("family", "nhs"), ("money", "hmrc"), ("family", "*")]
)
def test_nothing_is_agreed_beyond_what_is_offered(purpose, controller):
    with pytest.raises(OfferUnknown):
        agreed(OFFERED, purpose, controller, AGREEMENT.hash)


@pytest.mark.parametrize("shown", ["", "0" * 64])
def test_another_text_must_be_shown_again(shown):
    with pytest.raises(AgreementChanged):
        agreed(OFFERED, "family", "hmrc", shown)


@pytest.mark.parametrize(
    "changed",
    [
        {"text": {"en": "It may help.", "cy": "Caiff helpu chi."}},
        {"controller_name": {"en": "The taxman", "cy": "CThEF"}},
        {"purpose_name": {"en": "Children", "cy": "Teulu"}},
    ],
)
def test_other_words_in_either_language_are_another_agreement(changed):
    assert replace(AGREEMENT, **changed).hash != AGREEMENT.hash


def test_the_order_of_languages_does_not_matter():
    turned = replace(AGREEMENT, text=dict(reversed(list(AGREEMENT.text.items()))))

    assert turned.hash == AGREEMENT.hash
