"""What people can agree to covers what the nudges need, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from services.identity.adapters.catalogue_files import agreements
from services.nudges.domain.permission import LawfulBasis

CATALOGUE = Path(__file__).resolve().parents[2] / "catalogue"
OFFERED = agreements(CATALOGUE).current


def needed() -> dict[str, tuple[str, str, str]]:
    """Give purpose, controller and lawful basis of each nudge that needs permission."""
    loaded = [
        YAML(typ="safe").load(path.read_text()) for path in CATALOGUE.rglob("nudges/**/*.yaml")
    ]
    return {
        nudge["id"]: (nudge["purpose"], nudge["owner"], nudge["lawful_basis"])
        for nudge in loaded
        if LawfulBasis(nudge["lawful_basis"]).needs_permission
    }


@pytest.mark.parametrize("nudge", needed())
def test_every_nudge_relies_on_what_can_be_agreed_to(nudge: str) -> None:
    purpose, controller, basis = needed()[nudge]

    assert OFFERED[purpose, controller].lawful_basis == basis


@pytest.mark.parametrize("key", OFFERED, ids="-".join)
def test_an_agreement_says_the_same_in_two_languages(key: tuple[str, str]) -> None:
    agreement = OFFERED[key]

    assert agreement.text["en"] != agreement.text["cy"]
    assert agreement.controller_name["en"] != agreement.controller_name["cy"]
    assert agreement.text["en"].count(". ") == agreement.text["cy"].count(". ")
