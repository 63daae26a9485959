"""A target is a place in an event; what has no place is said to have none."""

from typing import Any

import pytest

from joinedup.cli.files.target import NoTarget, read_target


def put(*pairs, **options):
    event: dict[str, Any] = {}
    paths = [read_target(text).put(event, value, **options) for text, value in pairs]
    return event, paths


def test_people_and_numbers_are_found_by_what_they_are():
    event, paths = put(
        ("time", "t"),
        ("data.persons[mother].identifiers[nino]", "QQ123456C"),
        ("data.persons[child].birth_date", "2026-11-18"),
        ("data.persons[mother].name.family", "Bevan"),
        ("data.persons[mother].identifiers[nhs-number]", "9990000018"),
    )

    assert event == {
        "time": "t",
        "data": {
            "persons": [
                {
                    "role": "mother",
                    "identifiers": [
                        {"scheme": "nino", "value": "QQ123456C"},
                        {"scheme": "nhs-number", "value": "9990000018"},
                    ],
                    "name": {"family": "Bevan"},
                },
                {"role": "child", "birth_date": "2026-11-18"},
            ]
        },
    }
    assert paths[4] == ("data", "persons", 0, "identifiers", 1, "value")


def test_a_list_is_filled_from_several_columns():
    event, _ = put(
        ("data.persons[child].name.given[]", "Ada"),
        ("data.persons[child].name.given[]", ["Mair", "Non"]),
    )

    assert event["data"]["persons"][0]["name"]["given"] == ["Ada", "Mair", "Non"]


def test_a_constant_makes_nobody():
    event, paths = put(("data.persons[father].sex", "M"), ("data.nation", "W"), create=False)

    assert event == {"data": {"nation": "W"}}
    assert paths == [(), ("data", "nation")]


@pytest.mark.parametrize(
    "text",
    [
        "data.persons",
        "data.persons[mother]",
        "data.persons[]",
        "data.persons[mother].role",
        "data.persons[mother].identifiers",
        "data.persons[mother].identifiers[nino].scheme",
        "data.facts[x].y",
        "data.given[].x",
        "data..x",
        "",
    ],
)
def test_what_is_no_place_is_refused(text):
    with pytest.raises(NoTarget):
        read_target(text)


@pytest.mark.parametrize(
    ("one", "other", "collide"),
    [
        ("data.x", "data.x", True),
        ("data.x", "data.x.y", True),
        ("data.x[]", "data.x[]", False),
        ("data.x[]", "data.x", True),
        ("data.x", "data.y", False),
        ("data.persons[a].x", "data.persons[b].x", False),
        ("data.persons[a].identifiers[nino]", "data.persons[a].identifiers[nino].value", True),
    ],
)
def test_two_values_for_one_place_collide(one, other, collide):
    assert read_target(one).collides(read_target(other)) is collide
    assert read_target(other).collides(read_target(one)) is collide
