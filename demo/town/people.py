"""The people: households with parents, children and the old, made from one seed."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from demo.town.names import FAMILY, GIVEN
from demo.town.numbers import driver_number, nhs_numbers, ninos, postcode

# The day on which the town is as old as its birth dates say; a later day makes nobody younger,
# and the same people are found again by a warm start.
TOWN_DAY: Final = date(2026, 11, 1)
NINO_FROM_AGE: Final = 16
DRIVES_FROM_AGE: Final = 17
_YEAR: Final = 365.25
_WELSH_SPEAKING: Final = 0.3
_AREAS: Final = (
    ("W", ("CF", "SA", "LL", "NP"), 0.7),
    ("E", ("LS", "BS", "M"), 0.18),
    ("S", ("EH", "G"), 0.08),
    ("NI", ("BT",), 0.04),
)


@dataclass(frozen=True, slots=True)
class Townsperson:
    """Somebody who never lived."""

    sub: str
    """How they sign in."""
    given: tuple[str, ...]
    family: str
    sex: str
    born: date
    household: int
    postcode: str
    nation: str
    language: str
    nhs_number: str = ""
    nino: str = ""
    driver_number: str = ""

    @property
    def name(self) -> str:
        """The full name."""
        return " ".join((*self.given, self.family))

    def age(self, on: date = TOWN_DAY) -> int:
        """Whole years on a day."""
        before_birthday = (on.month, on.day) < (self.born.month, self.born.day)
        return on.year - self.born.year - before_birthday


@dataclass(frozen=True, slots=True)
class Household:
    """A family before it has numbers: who, how old, in which order."""

    number: int
    language: str
    family: str
    nation: str
    postcode: str
    members: tuple[tuple[str, int], ...]
    """Sex and age in days of each."""


def households(rng: random.Random) -> Iterator[Household]:
    """Households without end: couples with and without children, one parent, the old, singles."""
    number = 0
    while True:
        number += 1
        nation, areas, _ = rng.choices(_AREAS, weights=[share for *_, share in _AREAS])[0]
        welsh = nation == "W" and rng.random() < _WELSH_SPEAKING
        language = "cy" if welsh else "en"
        yield Household(
            number=number,
            language=language,
            family=rng.choice(FAMILY["cy" if welsh or nation == "W" else "en"]),
            nation=nation,
            postcode=postcode(rng, rng.choice(areas)),
            members=tuple(_members(rng)),
        )


def _members(rng: random.Random) -> Iterator[tuple[str, int]]:
    kind = rng.choices(("family", "couple", "one parent", "old", "single"), (40, 18, 8, 22, 12))[0]
    if kind == "old":
        for sex in ("F", "M")[: rng.randint(1, 2)]:
            yield sex, _days(rng, 66, 94)
        return
    if kind == "single":
        yield rng.choice("FM"), _days(rng, 19, 64)
        return
    if kind == "couple":
        yield "F", _days(rng, 20, 62)
        yield "M", _days(rng, 20, 64)
        return
    yield "F", _days(rng, 22, 44)
    if kind == "family":
        yield "M", _days(rng, 22, 48)
    for _ in range(rng.choices((1, 2, 3, 4), (38, 42, 15, 5))[0]):
        yield rng.choice("FM"), _days(rng, 0, 17)


def people(seed: int, size: int, first: tuple[Townsperson, ...] = ()) -> tuple[Townsperson, ...]:
    """Exactly `size` people, those given first; the same for the same arguments."""
    rng = random.Random(seed)  # noqa: S311  # a play needs the same dice every time, not secret ones
    unused = _Unused(
        nino=ninos(rng, frozenset(each.nino for each in first)),
        nhs_number=nhs_numbers(rng, frozenset(each.nhs_number for each in first)),
        taken_subs={each.sub for each in first},
    )
    town = list(first)
    for household in households(rng):
        for sex, days in household.members:
            if len(town) == size:
                return tuple(town)
            town.append(_person(rng, household, sex, days, unused))
    raise AssertionError("households never end")


@dataclass(frozen=True, slots=True)
class _Unused:
    nino: Iterator[str]
    nhs_number: Iterator[str]
    taken_subs: set[str]


def _person(
    rng: random.Random, household: Household, sex: str, days: int, unused: _Unused
) -> Townsperson:
    given = tuple(rng.sample(GIVEN[household.language, sex], rng.choice((1, 1, 2))))
    born = TOWN_DAY - timedelta(days=days)
    age = days // _YEAR
    drives = age >= DRIVES_FROM_AGE and household.nation != "NI" and rng.random() < 0.75  # noqa: PLR2004  # three in four
    return Townsperson(
        sub=_free(f"{given[0]} {household.family}", unused.taken_subs),
        given=given,
        family=household.family,
        sex=sex,
        born=born,
        household=household.number,
        postcode=household.postcode,
        nation=household.nation,
        language=household.language,
        nhs_number=next(unused.nhs_number),
        nino=next(unused.nino) if age >= NINO_FROM_AGE else "",
        driver_number=driver_number(rng, given=given, family=household.family, born=born, sex=sex)
        if drives
        else "",
    )


def _days(rng: random.Random, youngest: int, oldest: int) -> int:
    return rng.randint(int(youngest * _YEAR), int((oldest + 1) * _YEAR) - 2)


def _free(name: str, taken: set[str]) -> str:
    """A sign-in name that nobody has yet; afterwards it is taken."""
    split = unicodedata.normalize("NFKD", name.casefold().replace("'", ""))
    plain = "".join(each for each in split if not unicodedata.combining(each)).replace(" ", "-")
    number, found = 1, plain
    while found in taken:
        number += 1
        found = f"{plain}-{number}"
    taken.add(found)
    return found
