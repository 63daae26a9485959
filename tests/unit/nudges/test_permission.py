"""One function says what may be sent; here is every case it can meet."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain, combinations, product

import pytest

from services.nudges.domain.decision import SuppressionReason as Why
from services.nudges.domain.permission import (
    Allowed,
    Choice,
    Flag,
    LawfulBasis,
    Marks,
    PermissionSet,
    may,
)
from tests.unit.nudges.builders import NOW, a_permission, a_set

CHANNELS = ("inbox", "stream")
SECOND = timedelta(seconds=1)


def subsets(items):
    return [frozenset(each) for each in chain(*(combinations(items, n) for n in range(3)))]


def rows():
    yield None
    for choice, expires_at, channels in product(
        Choice, (None, NOW - SECOND, NOW, NOW + SECOND), subsets(CHANNELS)
    ):
        yield a_permission(choice=choice, expires_at=expires_at, channels=channels)


def marks():
    return [Marks(flags, closed) for flags, closed in product(subsets(Flag), (False, True))]


def expected(basis, row, marks, offered):
    """The same answer in other words: what must be true for a yes, then why not."""
    silent = bool(marks.flags) or marks.case_closed
    if basis in {"statutory_notice", "vital_interest"} and not silent:
        return Allowed(tuple(sorted(offered)))
    yes = (
        not silent
        and row is not None
        and row.choice == "given"
        and (row.expires_at is None or row.expires_at > NOW)
        and bool(row.channels & offered)
    )
    if yes:
        return Allowed(tuple(sorted(row.channels & offered)))
    refusals = {
        Why.DECEASED: Flag.DECEASED in marks.flags,
        Why.FLAGGED: bool(marks.flags),
        Why.CASE_CLOSED: marks.case_closed,
        Why.NO_PERMISSION: row is None or row.choice == "unspecified",
        Why.PERMISSION_WITHDRAWN: row is not None and row.choice == "withdrawn",
        Why.PERMISSION_OBJECTED: row is not None and row.choice == "objected",
        Why.PERMISSION_EXPIRED: row is not None
        and row.expires_at is not None
        and row.expires_at <= NOW,
        Why.CHANNEL_NOT_ALLOWED: True,
    }
    return next(reason for reason, holds in refusals.items() if holds)


def test_the_whole_truth_table():
    table = list(product(LawfulBasis, rows(), marks(), subsets(CHANNELS)))

    wrong = [case for case in table if may(*case, NOW) != expected(*case)]

    assert len(table) == 5 * (1 + 4 * 4 * 4) * (4 * 2) * 4
    assert wrong == []


@pytest.mark.parametrize("basis", [each for each in LawfulBasis if each.needs_permission])
def test_exactly_one_kind_of_row_permits(basis):
    yes = [
        row
        for row in rows()
        if isinstance(may(basis, row, Marks(), frozenset(CHANNELS), NOW), Allowed)
    ]

    assert len(yes) == 2 * 3  # given, never or later ending, some channel
    assert all(row.choice is Choice.GIVEN for row in yes)


def test_a_closed_case_silences_what_is_about_it_and_nothing_else():
    held = PermissionSet.of("p" * 26, 3, (), closed_cases=["c" * 26])

    assert held.marks("c" * 26) == Marks(case_closed=True)
    assert held.marks("d" * 26) == held.marks("") == Marks()


def test_what_needs_no_permission_is_two_things_and_no_others():
    free = {each for each in LawfulBasis if not each.needs_permission}

    assert free == {"statutory_notice", "vital_interest"}


@pytest.mark.parametrize(
    ("purpose", "controller"), [("family", "nhs"), ("health", "hmrc"), ("", ""), ("*", "*")]
)
def test_a_row_counts_for_its_own_purpose_and_department_only(purpose, controller):
    permissions = a_set(a_permission())

    assert permissions.row(purpose, controller) is None
    assert permissions.row("family", "hmrc") is not None
