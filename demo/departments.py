"""Events as registers would send them about the town's people."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from string import ascii_uppercase
from typing import Any, Final

from demo.town.people import Townsperson

BIRTH: Final = "civil-registration.birth.registered.v1"
DEATH: Final = "civil-registration.death.registered.v1"
LOSS: Final = "civil-registration.pregnancy-loss.registered.v1"
MOVED: Final = "residence.address.moved.v1"
LICENCE: Final = "driving.licence.renewed.v1"
UNIVERSAL_CREDIT: Final = "benefit.universal-credit.awarded.v1"

_REGISTRARS: Final = {
    "E": ("gro", "urn:uk:register:civil-registration"),
    "W": ("gro", "urn:uk:register:civil-registration"),
    "S": ("nrs", "urn:uk:register:civil-registration-scotland"),
    "NI": ("groni", "urn:uk:register:civil-registration-northern-ireland"),
}
_COUNCILS: Final = {
    "W": ("council-cardiff", "urn:uk:council-tax:cardiff"),
    "E": ("council-leeds", "urn:uk:council-tax:leeds"),
}
_HOSPITALS: Final = ("nhs", "urn:uk:health:birth-notifications")
_DRIVERS: Final = ("dvla", "urn:uk:register:drivers")
_BENEFITS: Final = ("dwp", "urn:uk:benefit:universal-credit")


@dataclass(frozen=True, slots=True)
class Sent:
    """An event, who publishes it, and whom it concerns: the part that no department knows."""

    publisher: str
    event: dict[str, Any]
    concerned: dict[str, Townsperson] = field(hash=False)
    """By role; one record and one decision each."""


def new_run() -> str:
    """A name for a run, in letters, which no other run has."""
    return "".join(secrets.choice(ascii_uppercase) for _ in range(8))


@dataclass(slots=True)
class Registers:
    """Departments at work in one run; `run` makes their numbers different from any other run's.

    And the names of the children: a birth that an earlier run told of would be no news.
    """

    run: str
    _count: int = 0

    def birth(
        self,
        mother: Townsperson,
        father: Townsperson | None,
        *,
        child: str,
        on: date,
        now: datetime,
    ) -> Sent:
        """A birth, registered in the mother's nation."""
        register = _REGISTRARS[mother.nation]
        name = {"given": [f"{child}-{self.run.title()}"], "family": mother.family}
        persons = [{"role": "child", "name": name, "birth_date": on.isoformat()}]
        concerned = {"mother": mother} | ({"father": father} if father else {})
        persons += [_described(role, person) for role, person in concerned.items()]
        event = self._event(BIRTH, register, mother.nation, on, now)
        event["data"] |= {"persons": persons, "facts": {"multiple_birth": False}}
        return Sent(register[0], event, concerned)

    def death(self, person: Townsperson, *, on: date, now: datetime) -> Sent:
        """A death; everything meant for the person goes silent."""
        register = _REGISTRARS[person.nation]
        event = self._event(DEATH, register, person.nation, on, now)
        event["data"] |= {
            "persons": [_described("deceased", person, schemes=("nino", "nhs-number"))],
            "facts": {"certificate": "final"},
        }
        return Sent(register[0], event, {"deceased": person})

    def loss(self, mother: Townsperson, *, born: date, on: date, now: datetime) -> Sent:
        """The death of a newborn, as a hospital tells of it: without a name."""
        event = self._event(LOSS, _HOSPITALS, mother.nation, on, now)
        event["data"] |= {
            "persons": [
                {"role": "baby", "birth_date": born.isoformat()},
                _described("mother", mother, schemes=("nhs-number",)),
            ],
            "facts": {"loss": "neonatal_death"},
        }
        return Sent(_HOSPITALS[0], event, {"mother": mother})

    def in_error(self, sent: Sent, *, now: datetime) -> Sent:
        """The same register withdraws an entry that it made in error."""
        told = sent.event
        source = (sent.publisher, told["source"])
        data = told["data"]
        on = date.fromisoformat(data["occurred"])
        event = self._event(told["type"], source, data["nation"], on, now)
        event["data"] |= {
            "reason": "cancelled",
            "supersedes": told["id"],
            "persons": data["persons"],
            "facts": data["facts"],
        }
        return Sent(sent.publisher, event, sent.concerned)

    def move(self, person: Townsperson, *, on: date, now: datetime) -> Sent:
        """A move, as a council that publishes here hears of it."""
        register = _COUNCILS.get(person.nation, _COUNCILS["E"])
        event = self._event(MOVED, register, person.nation, on, now)
        event["data"] |= {
            "persons": [_described("mover", person, schemes=("nino",))],
            "facts": {"council_changed": True, "tenure": "rented_privately"},
        }
        return Sent(register[0], event, {"mover": person})

    def licence(self, person: Townsperson, *, on: date, now: datetime) -> Sent:
        """A driving licence renewed."""
        event = self._event(LICENCE, _DRIVERS, person.nation, on, now)
        old = person.age(on) >= 70  # noqa: PLR2004  # from then on a licence lasts three years
        until = on.replace(year=on.year + (3 if old else 10), day=min(on.day, 28))
        facts = {"renewal": "age" if old else "photocard", "valid_until": until.isoformat()}
        described = _described("driver", person, schemes=("driver-number",))
        event["data"] |= {"persons": [described], "facts": facts}
        return Sent("dvla", event, {"driver": person})

    def universal_credit(
        self, person: Townsperson, *, children: bool, on: date, now: datetime
    ) -> Sent:
        """Universal Credit awarded."""
        event = self._event(UNIVERSAL_CREDIT, _BENEFITS, person.nation, on, now)
        event["data"] |= {
            "persons": [_described("claimant", person, schemes=("nino",))],
            "facts": {"award_from": on.isoformat(), "has_children": children, "rents_home": True},
        }
        return Sent("dwp", event, {"claimant": person})

    def _event(
        self, kind: str, register: tuple[str, str], nation: str, on: date, now: datetime
    ) -> dict[str, Any]:
        publisher, source = register
        self._count += 1
        moment = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "specversion": "1.0",
            "id": f"{publisher.upper()}-{self.run}-{self._count:05d}",
            "source": source,
            "type": kind,
            "time": moment,
            "datacontenttype": "application/json",
            "data": {
                "occurred": on.isoformat(),
                "registered_at": moment,
                "nation": nation,
                "reason": "registered",
            },
        }


def _described(
    role: str, person: Townsperson, schemes: tuple[str, ...] = ("nino",)
) -> dict[str, Any]:
    """A person as a department writes them down: what it holds, and nothing else."""
    held = {
        "nino": person.nino,
        "nhs-number": person.nhs_number,
        "driver-number": person.driver_number,
    }
    numbers = [{"scheme": each, "value": held[each]} for each in schemes if held[each]]
    described: dict[str, Any] = {
        "role": role,
        "identifiers": numbers,
        "name": {"given": list(person.given), "family": person.family},
        "birth_date": person.born.isoformat(),
    }
    return described | ({"postcode": person.postcode} if person.postcode else {})
