"""What happens in the town could happen, and says no more than a register would."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from demo.departments import BIRTH, DEATH, LICENCE, Registers
from demo.script import Script
from tests.unit.demo.town import CAST, TOWN

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def a_script(seed=5, run="R1"):
    return Script(CAST, Registers(run), seed=seed, now=NOW)


EVENTS = a_script().events(400)


def test_the_same_seed_makes_the_same_play():
    assert [each.event for each in a_script().events(400)] == [each.event for each in EVENTS]


def test_another_run_sends_other_event_ids():
    mine = {each.event["id"] for each in EVENTS}
    theirs = {each.event["id"] for each in a_script(run="R2").events(400)}

    assert len(mine) == 400
    assert not mine & theirs


def test_every_kind_of_event_happens():
    assert len({each.event["type"] for each in EVENTS}) == 5


def test_many_events_concern_people_with_a_device():
    listening = set(CAST.listening)
    about = [each for each in EVENTS if listening & set(each.concerned.values())]

    assert len(about) > len(EVENTS) * 0.3


def test_the_mother_of_the_story_has_no_part_in_the_play():
    assert all(CAST.mother not in each.concerned.values() for each in EVENTS)


def test_nothing_happens_to_the_people_of_the_examples():
    known = set(CAST.known)

    assert all(not known & set(each.concerned.values()) for each in EVENTS)


def test_nobody_who_listens_or_permits_dies():
    players = {*CAST.listening, *CAST.permitting}
    dead = [each.concerned["deceased"] for each in EVENTS if each.event["type"] == DEATH]

    assert not players & set(dead)


def test_a_mother_has_one_birth_in_a_play():
    mothers = [each.concerned["mother"].sub for each in EVENTS if each.event["type"] == BIRTH]

    assert mothers
    assert len(mothers) == len(set(mothers))


def test_a_register_says_who_is_concerned_and_nobody_else():
    for each in EVENTS:
        roles = {person["role"] for person in each.event["data"]["persons"]} - {"child"}
        assert roles == set(each.concerned)


def test_a_register_never_says_how_somebody_signs_in():
    for each in EVENTS:
        for person in each.concerned.values():
            assert f'"{person.sub}"' not in json.dumps(each.event)


def test_nothing_happens_in_the_future():
    for each in EVENTS:
        assert each.event["data"]["occurred"] < NOW.date().isoformat()


def test_some_events_come_very_late():
    old = (NOW - timedelta(days=400)).date().isoformat()

    assert any(each.event["data"]["occurred"] < old for each in EVENTS)


@pytest.mark.parametrize(("age", "years", "why"), [(71, 3, "age"), (40, 10, "photocard")])
def test_a_licence_lasts_by_age(age, years, why):
    driver = next(each for each in TOWN if each.driver_number and abs(each.age() - age) < 2)
    on = NOW.date()

    sent = Registers("R").licence(driver, on=on, now=NOW)

    assert sent.event["type"] == LICENCE
    assert sent.event["data"]["facts"]["renewal"] == why
    assert sent.event["data"]["facts"]["valid_until"].startswith(str(on.year + years))
