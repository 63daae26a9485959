"""The sandbox's people have numbers that pass every check and belong to nobody."""

import pytest

from services.events.domain.checks import formats
from services.events.domain.life_event import Identifier, Person
from services.events.domain.simulation import PEOPLE, Simulated, outcome_of


def somebody(*identifiers):
    return Person("mother", tuple(Identifier(*each) for each in identifiers), None, "", "", "")


@pytest.mark.parametrize("each", PEOPLE, ids=lambda each: f"{each.scheme}-{each.value}")
def test_every_number_has_the_form_of_its_scheme(each):
    assert formats(fictitious=True)[each.scheme](each.value)


@pytest.mark.parametrize("scheme", ["nino", "nhs-number"])
def test_where_fiction_is_refused_so_are_they(scheme):
    numbers = [each.value for each in PEOPLE if each.scheme == scheme]

    assert not any(formats(fictitious=False)[scheme](number) for number in numbers)


def test_every_scheme_has_somebody_for_every_outcome():
    schemes = {each.scheme for each in PEOPLE}

    assert schemes == {"nino", "nhs-number", "driver-number", "utr"}
    for scheme in schemes:
        outcomes = [outcome for each, outcome in PEOPLE.items() if each.scheme == scheme]
        assert sorted(outcomes) == sorted(Simulated)


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        ("QQ000001A", "delivered"),
        ("QQ000002A", "declined"),
        ("QQ000003A", "unreachable"),
        ("qq 00 00 03 a", "unreachable"),
        ("QQ000004A", "declined"),
    ],
)
def test_the_number_says_what_becomes_of_the_prompt(number, outcome):
    assert outcome_of(somebody(("nino", number))) == outcome


def test_a_number_counts_only_in_its_own_scheme():
    assert outcome_of(somebody(("utr", "QQ000001A"))) is Simulated.DECLINED


def test_an_unknown_person_has_permitted_nothing():
    assert outcome_of(somebody()) is Simulated.DECLINED


def test_the_first_number_that_is_known_decides():
    person = somebody(("nino", "QQ123456C"), ("nhs-number", "9990000034"), ("nino", "QQ000001A"))

    assert outcome_of(person) is Simulated.UNREACHABLE
