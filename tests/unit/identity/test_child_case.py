"""Which child an event is about."""

import pytest

from services.identity.domain.child_case import Case, Sketch, find_case

ADA = Sketch("2026-11-18", "F", b"ada")
CASE = Case("case-1", "child", "child-1", ADA, frozenset({"mother", "father"}))


def found(sketch=ADA, *, anchor=None, members=("mother",), cases=(CASE,)):
    return find_case(cases, anchor=anchor, members=frozenset(members), sketch=sketch)


def test_the_same_child_of_the_same_parent_is_one_case():
    assert found() is CASE


def test_a_child_known_by_its_own_handle_needs_no_sketch():
    assert found(Sketch("2026", "", None), anchor="child-1", members=()) is CASE


@pytest.mark.parametrize(
    "other",
    [
        Sketch("2026-11-19", "F", b"ada"),
        Sketch("2026-11-18", "M", b"ada"),
        Sketch("2026-11-18", "F", b"ben"),
        Sketch("2026-11-18", "F", None),
    ],
)
def test_another_child_of_the_same_parent_is_another_case(other):
    assert found(other) is None


def test_a_sex_that_one_source_leaves_out_does_not_separate():
    assert found(Sketch("2026-11-18", "", b"ada")) is CASE


def test_a_child_of_other_parents_is_another_case():
    assert found(members=("somebody",)) is None


def test_two_children_without_a_name_are_never_taken_for_one():
    unnamed = Sketch("2026-11-18", "F", None)
    case = Case("case-1", "child", "child-1", unnamed, frozenset({"mother"}))

    assert found(unnamed, cases=[case]) is None


def test_a_partial_birth_date_is_not_enough():
    partial = Sketch("2026-11", "F", b"ada")
    case = Case("case-1", "child", "child-1", partial, frozenset({"mother"}))

    assert found(partial, cases=[case]) is None
