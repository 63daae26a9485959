"""What people can agree to covers what the nudges need, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from services.identity.adapters.catalogue_files import agreements

CATALOGUE = Path(__file__).resolve().parents[2] / "catalogue"
OFFERED = agreements(CATALOGUE).current


def needed() -> dict[str, tuple[str, str]]:
    """Give purpose and controller of each nudge that asks for consent."""
    loaded = [
        YAML(typ="safe").load(path.read_text()) for path in CATALOGUE.rglob("nudges/**/*.yaml")
    ]
    return {nudge["id"]: (nudge["purpose"], nudge["owner"]) for nudge in loaded}


@pytest.mark.parametrize("nudge", needed())
def test_every_nudge_can_be_agreed_to(nudge: str) -> None:
    assert needed()[nudge] in OFFERED


@pytest.mark.parametrize("key", OFFERED, ids="-".join)
def test_an_agreement_says_the_same_in_two_languages(key: tuple[str, str]) -> None:
    agreement = OFFERED[key]

    assert agreement.text["en"] != agreement.text["cy"]
    assert agreement.controller_name["en"] != agreement.controller_name["cy"]
    assert agreement.text["en"].count(". ") == agreement.text["cy"].count(". ")
