"""Comparisons: what is absent never holds, and a yes is not a number."""

from __future__ import annotations

import pytest

from services.nudges.domain.decision import UsedFact
from services.nudges.domain.eligibility import Comparison, Operator, eligible, used_facts
from tests.unit.nudges.builders import a_life_event

EVENT = a_life_event(
    facts={"yes": True, "one": 1, "half": 0.5, "word": "age", "empty": "", "no": False}
)


@pytest.mark.parametrize(
    ("name", "operator", "values", "holds"),
    [
        ("yes", "equal", (True,), True),
        ("yes", "equal", (1,), False),
        ("one", "equal", (1,), True),
        ("one", "equal", (True,), False),
        ("no", "equal", (False,), True),
        ("no", "equal", (0,), False),
        ("word", "equal", ("age",), True),
        ("word", "not_equal", ("photocard",), True),
        ("word", "not_equal", ("age",), False),
        ("gone", "not_equal", ("age",), False),
        ("gone", "equal", ("",), False),
        ("empty", "equal", ("",), True),
        ("one", "less", (1,), False),
        ("half", "less", (1,), True),
        ("one", "at_most", (1,), True),
        ("one", "more", (0.5,), True),
        ("one", "more", (1,), False),
        ("one", "at_least", (1,), True),
        ("one", "at_least", (1.5,), False),
        ("word", "at_least", (1,), False),
        ("yes", "at_least", (0,), False),
        ("gone", "less", (1,), False),
        ("word", "one_of", ("age", "medical"), True),
        ("word", "one_of", ("medical",), False),
        ("yes", "one_of", (1, "yes"), False),
        ("gone", "one_of", ("age",), False),
    ],
)
def test_a_comparison(name, operator, values, holds):
    comparison = Comparison(f"facts.{name}", Operator(operator), values)

    assert comparison.holds(EVENT) is holds
    assert eligible((comparison,), EVENT) is holds


def test_all_comparisons_must_hold():
    yes = Comparison("facts.yes", Operator.EQUAL, (True,))
    no = Comparison("facts.no", Operator.EQUAL, (True,))

    assert eligible((), EVENT)
    assert eligible((yes, yes), EVENT)
    assert not eligible((yes, no), EVENT)


def test_used_facts_are_named_once_with_their_values():
    names = ("facts.yes", "facts.one", "facts.yes", "facts.gone", "facts.half", "nation")
    condition = tuple(Comparison(name, Operator.EQUAL, ("x",)) for name in names)

    assert used_facts(condition, EVENT) == (
        UsedFact("facts.yes", "true"),
        UsedFact("facts.one", "1"),
        UsedFact("facts.gone", ""),
        UsedFact("facts.half", "0.5"),
        UsedFact("nation", "E"),
    )
