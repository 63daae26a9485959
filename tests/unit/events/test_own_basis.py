"""Only the catalogue says a basis; what a publisher names of its own is found where it stands."""

from __future__ import annotations

import pytest

from services.events.domain.attempt import read_attempt
from services.events.domain.event_type import EventType
from services.events.domain.life_event import Identifier
from services.events.domain.own_basis import is_outside_gateway, named_bases
from tests.builders import BIRTH, an_event_body

TYPE = EventType(
    name=BIRTH,
    publishers=frozenset({"gro"}),
    nations=("E",),
    roles={},
    facts={"properties": {"basis": {"enum": ["cash", "accrual"]}}},
    on_log=frozenset(),
    examples=(),
    entry={"lawful_basis": {"basis": "public_task"}},
)
NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    "name",
    ["lawful_basis", "lawfulbasis", "lawful-basis", "LawfulBasis", "legal_basis", "basis"],
)
@pytest.mark.parametrize("place", ["envelope", "data", "token"])
def test_a_basis_that_is_not_the_types_is_found_wherever_it_stands(name, place):
    def outside(value: object) -> bool:
        said = {name: value}
        told = an_event_body(data=said if place == "data" else {})
        told |= said if place == "envelope" else {}
        return is_outside_gateway(TYPE, told, named_bases(said) if place == "token" else NONE)

    assert outside("vital_interest")
    assert outside(["public_task"])
    assert outside(None)
    assert not outside("public_task")


@pytest.mark.parametrize("name", ["purpose", "bypassConsent", "bypass_consent"])
def test_a_purpose_or_a_way_past_peoples_choices_is_granted_to_nobody(name):
    assert is_outside_gateway(TYPE, an_event_body(data={name: "public_task"}), NONE)


def test_an_event_that_names_none_is_inside():
    assert not is_outside_gateway(TYPE, an_event_body(), NONE)
    assert not is_outside_gateway(TYPE, {"type": BIRTH, "data": [1]}, NONE)


def test_a_fact_that_the_type_declares_is_no_basis_whatever_it_is_called():
    inside = an_event_body(data={"facts": {"basis": "cash"}})
    outside = an_event_body(data={"facts": {"basis": "cash", "lawful_basis": "x"}})

    assert not is_outside_gateway(TYPE, inside, NONE)
    assert is_outside_gateway(TYPE, outside, NONE)


def test_an_attempt_names_those_whom_identifiers_may_lead_to():
    persons = [
        {"role": "mother", "identifiers": [{"scheme": "nino", "value": "QQ123456C"}, 7, {}]},
        {"role": "child", "identifiers": [{"scheme": "nhs-number", "value": "9" * 65}]},
        {"role": "father"},
        "nobody",
    ]
    told = an_event_body(data={"persons": persons})

    attempt = read_attempt("dwp", told, "scope_denied", "")

    assert attempt.persons == ((Identifier("nino", "QQ123456C"),),)
    assert len(attempt.event_id) == 26
    assert read_attempt("dwp", {"type": BIRTH}, "scope_denied", "").persons == ()
    assert read_attempt("dwp", {"type": BIRTH}, "scope_denied", "").event_id == ""
