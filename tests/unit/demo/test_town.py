"""The town is the same for the same seed, and nobody in it could be a real person."""

import random
import re
from collections import Counter
from datetime import date

import pytest

from demo.scene import PEOPLE, SEED, set_scene
from demo.town.known import KNOWN
from demo.town.numbers import driver_number, nhs_check_digit
from demo.town.people import NINO_FROM_AGE, people
from tests.unit.demo.town import CAST, TOWN


def test_the_same_seed_makes_the_same_town():
    again, cast = set_scene(SEED, PEOPLE)

    assert again == TOWN
    assert cast == CAST


def test_another_seed_makes_another_town():
    assert people(SEED + 1, PEOPLE, KNOWN) != TOWN


def test_it_has_as_many_people_as_were_asked_for():
    assert len(TOWN) == PEOPLE
    assert len(people(SEED, 37, KNOWN)) == 37


def test_nobody_shares_a_number_or_a_sign_in_name():
    for what in ("sub", "nino", "nhs_number", "driver_number"):
        values = [getattr(each, what) for each in TOWN if getattr(each, what)]
        assert len(values) == len(set(values)), what


def test_ninos_begin_with_a_prefix_that_is_never_issued():
    held = [each for each in TOWN if each.nino]

    assert held
    assert all(re.fullmatch(r"QQ\d{6}[ABCD]", each.nino) for each in held)
    assert all(each.age() >= NINO_FROM_AGE for each in held)


def test_nhs_numbers_begin_with_999_and_have_a_right_check_digit():
    held = [each.nhs_number for each in TOWN if each.nhs_number]

    assert held
    for number in held:
        assert re.fullmatch(r"999\d{7}", number)
        # The definition itself: weights 10 to 1 make a multiple of eleven.
        assert sum((10 - place) * int(digit) for place, digit in enumerate(number)) % 11 == 0


def test_the_check_digit_that_would_be_ten_does_not_exist():
    digits = {nhs_check_digit(f"999{number:06d}") for number in range(200)}

    assert None in digits
    assert digits - {None} == set(range(10))


@pytest.mark.parametrize(
    ("given", "family", "born", "sex", "shape"),
    [
        (("Owen", "Lloyd"), "Parry", date(1956, 3, 14), "M", r"PARRY503146OL\d[A-Z]{2}"),
        (("Fiona",), "Sinclair", date(1990, 5, 2), "F", r"SINCL955020F9\d[A-Z]{2}"),
        (("Llŷr",), "ap Dafydd", date(2001, 12, 31), "M", r"APDAF012311L9\d[A-Z]{2}"),
        (("Mai",), "Ng", date(1987, 11, 9), "F", r"NG999861097M9\d[A-Z]{2}"),
    ],
)
def test_a_driver_number_tells_name_birth_and_sex(given, family, born, sex, shape):
    found = driver_number(random.Random(1), given=given, family=family, born=born, sex=sex)

    assert re.fullmatch(shape, found)


def test_there_are_families_and_both_languages():
    languages = Counter(each.language for each in TOWN)
    households = Counter(each.household for each in TOWN if each.household > 0)

    assert languages["cy"] > PEOPLE * 0.1
    assert languages["en"] > PEOPLE * 0.5
    assert max(households.values()) >= 4
    assert {each.nation for each in TOWN} == {"E", "W", "S", "NI"}


def test_a_household_lives_in_one_place_and_speaks_one_language():
    homes: dict[int, tuple[str, ...]] = {}
    for each in TOWN:
        if each.household > 0:
            place = (each.postcode, each.nation, each.language, each.family)
            assert homes.setdefault(each.household, place) == place


def test_everyone_is_in_one_part_of_the_cast_at_most():
    parts = [CAST.listening, CAST.permitting, CAST.others]
    subs = [each.sub for part in parts for each in part]

    assert len(subs) == len(set(subs)) == PEOPLE
    assert CAST.listening[0] == CAST.mother
    assert CAST.known == KNOWN
    assert set(KNOWN) < set(CAST.permitting)


def test_the_devices_speak_both_languages():
    assert {each.language for each in CAST.listening} == {"en", "cy"}
