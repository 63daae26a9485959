"""The gate's whole truth table, against a second statement of the rule in other words."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any, NamedTuple

from services.notifications.domain.gate import (
    NEEDS_NO_PERMISSION,
    Passed,
    ReadThrough,
    Stopped,
    judge,
    judge_ended,
)
from services.notifications.domain.ledger import Reason
from services.notifications.domain.permission import Choice, Flag, PermissionSet
from tests.unit.notifications.builders import NOW, a_permission, an_ask

LOST = "c" * 26
BEFORE, AFTER = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)


class Case(NamedTuple):
    """One line of the table."""

    over: bool  # the prompt's own end has come
    view: str  # missing, older than the decision, or as new
    dead: bool  # a flag stands on the person
    lost: bool  # the case that the prompt is about is closed
    basis: str
    choice: Choice | None  # None: the row is missing
    epoch: int  # the row's; the decision's is 3
    ended: bool  # the permission's own end has come
    channel: bool  # the channel is among those allowed


CASES = [
    Case(*each)
    for each in product(
        (False, True),
        ("missing", "older", "same", "newer"),
        (False, True),
        (False, True),
        ("explicit_consent", "public_task", "statutory_notice", "vital_interest", ""),
        (None, *Choice),
        (2, 3, 4),
        (False, True),
        (False, True),
    )
]


def view_of(case: Case) -> PermissionSet | None:
    if case.view == "missing":
        return None
    permission = a_permission(
        choice=case.choice or Choice.UNSAID,
        epoch=case.epoch,
        expires_at=NOW if case.ended else AFTER,
        channels=frozenset({"stream", "inbox"} if case.channel else {"inbox"}),
    )
    return PermissionSet(
        subject="a" * 26,
        serial={"older": 6, "same": 7, "newer": 9}[case.view],
        permissions=() if case.choice is None else (permission,),
        flags=frozenset({Flag.DECEASED} if case.dead else ()),
        closed_cases=frozenset({LOST} if case.lost else ()),
    )


def judged(case: Case) -> Any:
    ask = an_ask(basis=case.basis, expires_at=NOW if case.over else AFTER, case_id=LOST)
    return judge(ask, view_of(case), NOW)


def may_pass(case: Case) -> bool:
    known = case.view in {"same", "newer"}
    permitted = case.choice is Choice.GIVEN and case.epoch == 3 and not case.ended and case.channel
    needless = case.basis in NEEDS_NO_PERMISSION
    silent = case.dead or case.lost
    return not case.over and known and not silent and (permitted or needless)


def reason_for(case: Case) -> Any:
    """The first thing that speaks against it, in the order in which people would want to know."""
    reasons = [
        (case.over, Stopped(Reason.EXPIRED)),
        (case.view in {"missing", "older"}, ReadThrough()),
        (case.dead, Stopped(Reason.DECEASED)),
        (case.lost, Stopped(Reason.CASE_CLOSED)),
        (case.choice is Choice.OBJECTED, Stopped(Reason.OBJECTED)),
        (case.choice is not Choice.GIVEN, Stopped(Reason.WITHDRAWN)),
        (case.epoch > 3, Stopped(Reason.STALE)),
        (case.epoch < 3, ReadThrough()),
        (case.ended, Stopped(Reason.PERMISSION_EXPIRED)),
        (not case.channel, Stopped(Reason.CHANNEL_NOT_PERMITTED)),
    ]
    return next(verdict for holds, verdict in reasons if holds)


def test_only_what_is_permitted_at_this_moment_passes():
    assert len(CASES) == 2 * 4 * 2 * 2 * 5 * 5 * 3 * 2 * 2
    assert [case for case in CASES if (judged(case) == Passed()) != may_pass(case)] == []


def test_what_is_stopped_has_its_reason_and_what_is_not_known_is_never_stopped():
    refused = [case for case in CASES if not may_pass(case)]

    assert [case for case in refused if judged(case) != reason_for(case)] == []


def test_a_change_ends_at_once_what_the_gate_would_stop_for_good():
    for_a_while = {Stopped(Reason.PERMISSION_EXPIRED), Stopped(Reason.CHANNEL_NOT_PERMITTED)}

    def expected(case: Case) -> Any:
        verdict = judged(case)
        return None if verdict == Passed() or verdict in for_a_while else verdict

    def ended(case: Case) -> Any:
        ask = an_ask(basis=case.basis, expires_at=AFTER, case_id=LOST)
        return judge_ended(ask, view_of(case))

    assert [each for each in CASES if not each.over and ended(each) != expected(each)] == []


def test_a_closed_case_stops_what_is_about_it_and_nothing_else():
    view = PermissionSet("a" * 26, 9, (a_permission(),), frozenset(), frozenset({LOST}))

    assert judge(an_ask(case_id=LOST), view, NOW) == Stopped(Reason.CASE_CLOSED)
    assert judge(an_ask(case_id="d" * 26), view, NOW) == Passed()
    assert judge(an_ask(case_id=""), view, NOW) == Passed()


def test_nothing_decided_before_a_no_passes_after_a_later_yes():
    given_again = PermissionSet("a" * 26, 9, (a_permission(epoch=4),), frozenset())

    assert judge(an_ask(epoch=3), given_again, NOW) == Stopped(Reason.STALE)
    assert judge(an_ask(epoch=4), given_again, NOW) == Passed()


def test_another_department_s_permission_is_no_permission():
    theirs = PermissionSet("a" * 26, 9, (a_permission(controller="dwp"),), frozenset())

    assert judge(an_ask(controller="hmrc"), theirs, NOW) == Stopped(Reason.WITHDRAWN)
