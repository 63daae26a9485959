"""Property tests: how often a law is tried, and small spaces drawn in one go."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final, TypeVar

from hypothesis import settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")

# A law of the rules is tried twice as often as any other property.
law: Final = settings(max_examples=2 * settings().max_examples)


def subsets(of: Iterable[T]) -> st.SearchStrategy[frozenset[T]]:
    """Any subset of a few values, smallest first: one choice where `st.sets` makes several."""
    values = list(of)
    sizes = range(len(values) + 1)
    return st.sampled_from(
        [frozenset(some) for size in sizes for some in combinations(values, size)]
    )
