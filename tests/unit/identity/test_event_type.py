"""What of an event is checked and kept."""

from dataclasses import replace

import pytest

from services.identity.domain.errors import FieldInvalid
from services.identity.domain.event_type import EventType, FactRule, Role
from services.identity.domain.life_event import LifeEvent, OtherName, Person, Reason
from tests.builders import NOW

TYPE = EventType(
    name="x.y.z.v1",
    lawful_basis="public_task",
    roles={
        "mother": Role(concerned=True, required=True, record=frozenset({"name", "postcode"})),
        "father": Role(concerned=True, required=False),
    },
    record_fields=(FactRule("mother", "award_from", "benefit_from"),),
)
MAIR = Person("mother", given=("Mair",), family="Bevan", postcode="cf10 1aa", sex="F")


def an_event(*roles):
    persons = tuple(Person(role) for role in roles)
    return LifeEvent("e", TYPE.name, "gro", "2026", NOW, Reason.REGISTERED, "W", persons)


@pytest.mark.parametrize("roles", [["mother"], ["mother", "father"]])
def test_the_roles_of_the_type_are_accepted(roles):
    TYPE.check(an_event(*roles))


@pytest.mark.parametrize(
    ("roles", "path", "code"),
    [
        (["mother", "aunt"], "persons[1].role", "role_unknown"),
        (["father"], "persons", "role_required"),
    ],
)
def test_other_roles_are_refused(roles, path, code):
    with pytest.raises(FieldInvalid) as refused:
        TYPE.check(an_event(*roles))

    assert (refused.value.path, refused.value.code) == (path, code)


def test_only_what_the_type_declares_is_kept():
    kept = TYPE.feeds(MAIR, {"award_from": "2026-11-01", "amount": 7})

    assert kept == {
        "name": {"given": ["Mair"], "family": "Bevan"},
        "postcode": "CF101AA",
        "benefit_from": "2026-11-01",
    }


def test_other_names_are_a_field_where_the_type_declares_them():
    role = Role(concerned=True, required=True, record=frozenset({"other_names"}))
    named = replace(MAIR, other_names=(OtherName("birth", ("Mair",), "Parry"),))

    kept = replace(TYPE, roles={"mother": role}).feeds(named, {})

    assert kept == {"other_names": [{"kind": "birth", "given": ["Mair"], "family": "Parry"}]}
    assert "other_names" not in TYPE.feeds(named, {})


def test_what_the_source_does_not_know_is_absent():
    assert TYPE.feeds(Person("mother"), {}) == {}
