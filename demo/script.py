"""What happens in the town during the play: planned beforehand, from one seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from demo.departments import Registers, Sent
from demo.town.names import GIVEN
from demo.town.people import DRIVES_FROM_AGE, NINO_FROM_AGE, Townsperson

_ADULT: Final = 18
_RETIRED: Final = 66
_MOTHERS: Final = range(18, 46)
_VERY_OLD: Final = 84
# Which share of the events is about whom: devices that listen, others who gave permission, and
# people who were never asked.
_SHARES: Final = MappingProxyType({"listening": 0.4, "permitting": 0.3, "others": 0.3})
_LATE_SHARE: Final = 0.04
_LATE_DAYS: Final = 500


@dataclass(frozen=True, slots=True)
class Cast:
    """Who is who in the play."""

    mother: Townsperson
    """The one whose story is told step by step."""
    listening: tuple[Townsperson, ...]
    """People with a device that listens, the mother first."""
    known: tuple[Townsperson, ...]
    """People of the examples; they permit everything and have no part in the play."""
    permitting: tuple[Townsperson, ...]
    """The known, and others who gave permission; their prompts wait in the inbox."""
    others: tuple[Townsperson, ...]
    """Everyone else, who starts at no."""


def cast(
    town: Sequence[Townsperson],
    *,
    known: Sequence[Townsperson],
    listening: int,
    permitting: int,
    seed: int,
) -> Cast:
    """Choose the players, the same ones for the same seed.

    Who is known from the examples permits, and has no other part: whoever publishes an example by
    hand reaches somebody to whom nothing else happens.
    """
    rng = random.Random(seed)  # noqa: S311  # a play needs the same dice every time
    adults = [each for each in town if each.nino and each.age() >= _ADULT and each not in known]
    # Devices in both languages, and people to whom many kinds of event can happen.
    lively = [each for each in adults if each.driver_number and each.age() < _RETIRED]
    mother = rng.choice([each for each in lively if _may_be_told(each)])
    devices = [mother, *rng.sample([each for each in lively if each != mother], listening - 1)]
    rest = [each for each in adults if each not in devices]
    givers = [*known, *rng.sample(rest, permitting - len(known))]
    chosen = {each.sub for each in (*devices, *givers)}
    others = tuple(each for each in town if each.sub not in chosen)
    return Cast(mother, tuple(devices), tuple(known), tuple(givers), others)


def _may_be_told(person: Townsperson) -> bool:
    """Whose story the audience can read: a woman in Wales who reads English."""
    place = (person.nation, person.language) == ("W", "en")
    return person.sex == "F" and person.age() in _MOTHERS and place


class Script:
    """Draws one event after the other."""

    def __init__(self, players: Cast, registers: Registers, *, seed: int, now: datetime) -> None:
        self._rng = random.Random(seed)  # noqa: S311  # a play needs the same dice every time
        self._players = players
        self._registers = registers
        self._now = now
        self._mothers: set[str] = set()
        # The mother's own story comes later.
        self._people = {
            "listening": players.listening[1:],
            "permitting": players.permitting[len(players.known) :],
            "others": tuple(each for each in players.others if each.nino or each.driver_number),
        }
        self._fathers = {
            each.household: each
            for each in players.others
            if each.sex == "M" and each.nino and each.age() >= _ADULT
        }

    def events(self, count: int) -> list[Sent]:
        """The next so many events, in the order they happen."""
        return [self._next() for _ in range(count)]

    def _next(self) -> Sent:
        group = self._rng.choices(list(_SHARES), weights=list(_SHARES.values()))[0]
        person = self._rng.choice(self._people[group])
        days = self._rng.randint(1, 25)
        if self._rng.random() < _LATE_SHARE:
            days = _LATE_DAYS
        on = (self._now - timedelta(days=days)).date()
        kinds = self._possible(person, frail=group == "others")
        kind = self._rng.choice(kinds)
        if kind == "birth":
            self._mothers.add(person.sub)
            child = self._rng.choice(GIVEN[person.language, self._rng.choice("FM")])
            father = self._fathers.get(person.household)
            return self._registers.birth(person, father, child=child, on=on, now=self._now)
        if kind == "move":
            return self._registers.move(person, on=on, now=self._now)
        if kind == "licence":
            return self._registers.licence(person, on=on, now=self._now)
        if kind == "universal credit":
            children = self._rng.random() < 0.5  # noqa: PLR2004  # a coin
            return self._registers.universal_credit(person, children=children, on=on, now=self._now)
        return self._registers.death(person, on=on, now=self._now)

    def _possible(self, person: Townsperson, *, frail: bool) -> list[str]:
        age = person.age()
        found = []
        if person.nino and age >= NINO_FROM_AGE:
            found.append("move")
        if (
            person.sex == "F"
            and age in _MOTHERS
            and person.nino
            and person.sub not in self._mothers
        ):
            # One birth a mother and play; twice as likely as the others, being the main plot.
            found += ["birth", "birth"]
        if person.driver_number and age >= DRIVES_FROM_AGE and person.nation != "NI":
            found.append("licence")
        if person.nino and _ADULT <= age < _RETIRED and person.nation != "NI":
            found.append("universal credit")
        if frail and age >= _VERY_OLD:
            found.append("death")
        return found or ["move"]
