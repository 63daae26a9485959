"""Conditions: a small closed vocabulary of comparisons, all of which must hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.nudges.domain.decision import UsedFact
from services.nudges.domain.life_event import Fact, LifeEvent


class Operator(StrEnum):
    """How a value is compared."""

    EQUAL = "equal"
    NOT_EQUAL = "not_equal"
    LESS = "less"
    AT_MOST = "at_most"
    MORE = "more"
    AT_LEAST = "at_least"
    ONE_OF = "one_of"


ORDERED: Final = frozenset({Operator.LESS, Operator.AT_MOST, Operator.MORE, Operator.AT_LEAST})


@dataclass(frozen=True, slots=True)
class Comparison:
    """One name compared with what the catalogue says; `one_of` has several values, others one."""

    name: str
    operator: Operator
    values: tuple[Fact, ...]

    def holds(self, event: LifeEvent) -> bool:
        """Whether it holds; False when the name is not known or is of another kind."""
        known = event.known(self.name)
        if known is None:
            return False
        return _HOLDS[self.operator](known, self.values)


def eligible(condition: tuple[Comparison, ...], event: LifeEvent) -> bool:
    """Whether every comparison holds; no comparison at all means everybody."""
    return all(comparison.holds(event) for comparison in condition)


def used_facts(condition: tuple[Comparison, ...], event: LifeEvent) -> tuple[UsedFact, ...]:
    """What the condition looks at, each name once, in the order of the comparisons."""
    names = dict.fromkeys(comparison.name for comparison in condition)
    return tuple(UsedFact(name, _text(event.known(name))) for name in names)


def _text(value: Fact | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _same(known: Fact, wanted: Fact) -> bool:
    # True == 1 in Python; in a register a yes is not a number.
    return isinstance(known, bool) == isinstance(wanted, bool) and known == wanted


def _ordered(test: Callable[[float, float], bool]) -> Callable[[Fact, tuple[Fact, ...]], bool]:
    def compare(known: Fact, values: tuple[Fact, ...]) -> bool:
        wanted = values[0]
        if isinstance(known, bool | str) or isinstance(wanted, bool | str):
            return False
        return test(known, wanted)

    return compare


_HOLDS: Final[Mapping[Operator, Callable[[Fact, tuple[Fact, ...]], bool]]] = {
    Operator.EQUAL: lambda known, values: _same(known, values[0]),
    Operator.NOT_EQUAL: lambda known, values: not _same(known, values[0]),
    Operator.LESS: _ordered(lambda known, wanted: known < wanted),
    Operator.AT_MOST: _ordered(lambda known, wanted: known <= wanted),
    Operator.MORE: _ordered(lambda known, wanted: known > wanted),
    Operator.AT_LEAST: _ordered(lambda known, wanted: known >= wanted),
    Operator.ONE_OF: lambda known, values: any(_same(known, value) for value in values),
}
