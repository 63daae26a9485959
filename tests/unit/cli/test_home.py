"""A person is meant by sign-in name or by name; doubt is told, not guessed."""

import json

import pytest

from joinedup.cli.home import Home, Problem


@pytest.fixture
def home(tmp_path):
    people = {
        "mair": "Mair Bevan",
        "llyr-jones": "Llŷr Jones",
        "sian-jones": "Siân Jones",
        "sian-jones-2": "Siân Jones",
        "mair-evans": "Mair Evans",
    }
    found = Home(tmp_path)
    found.remember_people(people)
    return found


@pytest.mark.parametrize(
    ("typed", "sub"),
    [
        ("mair", "mair"),
        ("Mair Bevan", "mair"),
        ("mair-bevan", "mair"),
        ("bevan", "mair"),
        ("Llyr", "llyr-jones"),
        ("LLŶR JONES", "llyr-jones"),
        ("sian-jones-2", "sian-jones-2"),
        ("somebody-else", "somebody-else"),
    ],
)
def test_a_person_is_found_however_they_are_typed(home, typed, sub):
    assert home.sub_of(typed) == sub


@pytest.mark.parametrize("typed", ["Sian Jones", "jones"])
def test_a_name_of_several_people_is_unclear(home, typed):
    with pytest.raises(Problem) as unclear:
        home.sub_of(typed)

    assert unclear.value.code == "person_unclear"
    assert "sian-jones-2" in unclear.value.fix


def test_people_who_are_added_join_those_who_are_known(home):
    home.remember_people({"owen": "Owen Parry"})

    assert {each.sub for each in home.people()} >= {"owen", "mair"}
    assert len(home.people()) == 6


def test_a_home_without_people_has_none(tmp_path):
    assert Home(tmp_path).people() == ()


def test_addresses_are_read_from_a_running_platform(tmp_path):
    (tmp_path / "endpoints.json").write_text(json.dumps({"kafka": "127.0.0.1:17092"}))

    assert Home(tmp_path).endpoints() == {"kafka": "127.0.0.1:17092"}
