"""Few records are quick; many share what a batch costs; nobody rests on a backlog."""

import pytest

from services.kit.pace import BRISK, RESTLESS


@pytest.mark.parametrize(
    ("records", "rest"),
    [(0, 0.0), (1, 0.05), (9, 0.05), (10, 0.2), (499, 0.2), (500, 0.0), (501, 0.0)],
)
def test_the_rest_grows_with_what_came_and_ends_with_a_full_batch(records, rest):
    assert BRISK.rest_after(records, most=500) == rest


@pytest.mark.parametrize("records", [0, 1, 499, 500])
def test_who_is_restless_never_rests(records):
    assert RESTLESS.rest_after(records, most=500) == 0.0
