"""What happens to people in the race: departments tell of them while they say yes and no."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Final

from demo.departments import Registers, Sent, new_run
from demo.publishing import Departments
from demo.town.people import Townsperson, people
from joinedup.client import ClientError, Refused
from tests.faults.history import History
from tests.faults.operation import Kind, Result
from tests.race.person import Permission, Person, Tally

# What stands behind each event's prompts.
PERMISSIONS: Final[dict[str, tuple[Permission, ...]]] = {
    "move": (("moving", "council"), ("moving", "dvla")),
    "birth": (("family", "hmrc"), ("family", "nhs")),
    "universal credit": (("money", "council"), ("education", "council")),
}
_TOWN: Final = 4_000
_MOTHERS: Final = range(19, 45)
_DAYS: Final = 55
_EVENTS: Final = (2, 3, 4)
# The race itself: how long after an event was sent a no follows it, in seconds.
_LONGEST_WAIT: Final = 0.7
_OBJECTS, _TWO_NOS, _AT_ONCE = 0.25, 0.5, 0.5


def cast(number: int, seed: int) -> list[Townsperson]:
    """Women in England and Wales to whom all of this can happen; nobody of the examples."""
    able = [
        each for each in people(seed, _TOWN)
        if each.nino and each.sex == "F" and each.age() in _MOTHERS and each.nation in {"E", "W"}
    ]  # fmt: skip
    return able[:number]


@dataclass(slots=True)
class Events:
    """Events about one person, each of them news: another day, another child."""

    who: Townsperson
    registers: Registers
    chance: Random
    _days: dict[str, Iterator[int]] = field(default_factory=dict)

    def draw(self) -> tuple[str, Sent]:
        """The next one, with its kind."""
        now = datetime.now(UTC)
        kind = self.chance.choice(list(PERMISSIONS))
        if kind != "birth":
            day = next(self._days.setdefault(kind, self._shuffled()), None)
            if day is not None:
                on = (now - timedelta(days=day)).date()
                if kind == "move":
                    return kind, self.registers.move(self.who, on=on, now=now)
                return kind, self.registers.universal_credit(
                    self.who, children=True, on=on, now=now
                )
        on = (now - timedelta(days=self.chance.randint(1, _DAYS))).date()
        name = f"Ada-{''.join(self.chance.choices('abcdefghijklmnopqrstuvwxyz', k=8)).title()}"
        return "birth", self.registers.birth(self.who, None, child=name, on=on, now=now)

    def _shuffled(self) -> Iterator[int]:
        return iter(self.chance.sample(range(1, _DAYS + 1), _DAYS))


@dataclass(slots=True)
class Turns:
    """So many turns a second over all people together, however many wait for one."""

    a_second: float
    _next: float = 0.0

    async def take(self) -> None:
        """Wait for a turn."""
        now = time.monotonic()
        at = self._next = max(now, self._next + 1 / self.a_second)
        await asyncio.sleep(at - now)


@dataclass(slots=True)
class Load:
    """Everything that people and departments do."""

    persons: Sequence[Person]
    departments: Departments
    history: History
    tally: Tally
    turns: Turns
    events_acked: int = 0
    events_unknown: int = 0
    _registers: Registers = field(default_factory=lambda: Registers(new_run()))
    _numbers: count[int] = field(default_factory=count)

    async def run(self, over: asyncio.Event) -> None:
        """Go on until it is over; what was begun is ended."""
        await asyncio.gather(*(self._live(each, over) for each in self.persons))

    async def _live(self, person: Person, over: asyncio.Event) -> None:
        events = Events(person.who, self._registers, person.chance)
        while not over.is_set():
            await self.turns.take()
            await self._turn(person, events)

    async def _turn(self, person: Person, events: Events) -> None:
        """Yes to all, then events, and a no while their prompts are on their way."""
        chance = person.chance
        drawn = [events.draw() for _ in range(chance.choice(_EVENTS))]
        concerned = list(dict.fromkeys(each for kind, _ in drawn for each in PERMISSIONS[kind]))
        permitted = await person.permitted()
        for each in concerned:
            if each not in permitted:
                await person.say_yes(each)
        telling = [asyncio.create_task(self._tell(each)) for _, each in drawn]
        await asyncio.sleep(chance.uniform(0, _LONGEST_WAIT))
        nos = chance.sample(concerned, 2 if chance.random() < _TWO_NOS else 1)
        for each in nos:
            kind = Kind.OBJECT if chance.random() < _OBJECTS else Kind.WITHDRAW
            await person.say_no(each, kind)
            if chance.random() < _AT_ONCE:
                await person.say_yes(each)
        await asyncio.gather(*telling)

    async def _tell(self, sent: Sent) -> None:
        begun = self.history.invoke(f"department-{next(self._numbers)}", Kind.EVENT)
        try:
            acked = await self.departments.publish(sent)
        except ClientError as failed:
            self.events_unknown += 1
            self.history.complete(begun, Result.UNKNOWN, reason=failed.code)
            if isinstance(failed, Refused):
                self.tally.refused[f"event {failed.code}"] += 1
        else:
            self.events_acked += 1
            self.history.complete(begun, Result.OK, event_id=acked.receipt.event_id)


def chance_of(seed: int, number: int) -> Random:
    """Each person's own dice."""
    return Random(f"{seed}/{number}")


def any_seed() -> int:
    """A seed for a run that was given none."""
    return secrets.randbelow(1_000_000)
