"""How choices are laid out, and what is said of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.portal.domain.choices import (
    Choice,
    Choices,
    Offer,
    Permission,
    Stands,
    after_refusal,
    brought_up_to_date,
    laid_out,
)
from services.portal.domain.session import Happened, Notice

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def offer(purpose="family", controller="hmrc") -> Offer:
    return Offer(purpose, purpose.title(), controller, controller.upper(), "Words.", "a" * 64)


OFFERS = (offer(),)


GIVEN = Permission("family", "hmrc", Choice.GIVEN)


def ended(choice, at=NOW, purpose="family", controller="hmrc"):
    return Permission(purpose, controller, choice, ended=True, took_effect_at=at)


def rows(*permissions, offers=OFFERS):
    found = laid_out(Choices(1, permissions, tuple(offers)), NOW)
    return [row for purpose in found for row in purpose.rows]


def test_what_was_never_said_is_no():
    (row,) = rows()

    assert (row.stands, row.may_allow, row.may_stop) == (Stands.NEVER_GIVEN, True, False)


@pytest.mark.parametrize(
    ("permission", "stands", "ways"),
    [
        (GIVEN, Stands.GIVEN, (True, False, True)),
        (replace(GIVEN, expires_at=NOW + DAY), Stands.GIVEN, (True, False, True)),
        (replace(GIVEN, expires_at=NOW), Stands.ENDED, (False, True, True)),
        (ended(Choice.GIVEN), Stands.ENDED, (False, True, True)),
        (ended(Choice.WITHDRAWN), Stands.WITHDRAWN, (False, True, True)),
        (ended(Choice.OBJECTED), Stands.OBJECTED, (False, True, False)),
        (ended(Choice.WITHDRAWN, at=None), Stands.TAKING_EFFECT, (True, False, False)),
        (ended(Choice.OBJECTED, at=None), Stands.TAKING_EFFECT, (True, False, False)),
        (replace(GIVEN, choice=Choice.UNSAID), Stands.NEVER_GIVEN, (False, True, True)),
        (ended(Choice.WITHDRAWN, controller="dwp"), Stands.NEVER_GIVEN, (False, True, True)),
        (ended(Choice.WITHDRAWN, purpose="money"), Stands.NEVER_GIVEN, (False, True, True)),
    ],
)
def test_a_permission_stands_for_its_own_purpose_and_department(permission, stands, ways):
    (row,) = rows(permission)

    assert (row.stands, (row.may_stop, row.may_allow, row.may_object)) == (stands, ways)


@pytest.mark.parametrize("choice", [Choice.WITHDRAWN, Choice.OBJECTED])
def test_a_no_says_since_when_it_holds(choice):
    (row,) = rows(ended(choice))

    assert row.since == NOW


@pytest.mark.parametrize("choice", [Choice.WITHDRAWN, Choice.OBJECTED])
def test_a_notice_that_waited_is_brought_up_to_date_once_the_no_holds(choice):
    notice = Notice(Happened.TAKING_EFFECT, "family", "hmrc")
    waiting = Choices(2, (ended(choice, at=None),), OFFERS)
    done = Choices(2, (ended(choice),), OFFERS)
    anothers = Choices(2, (ended(choice, controller="dwp"),), OFFERS)

    assert brought_up_to_date(notice, waiting) == notice
    assert brought_up_to_date(notice, anothers) == notice
    assert brought_up_to_date(notice, done) == Notice(Happened(choice), "family", "hmrc", NOW)


def test_a_notice_that_is_settled_stays_as_it_is():
    settled = Notice(Happened.GIVEN, "family", "hmrc")

    assert brought_up_to_date(settled, Choices(2, (ended(Choice.WITHDRAWN),), OFFERS)) == settled
    assert brought_up_to_date(None, Choices(2, (), OFFERS)) is None


def test_a_permission_that_is_no_longer_offered_can_still_be_taken_back():
    kept = rows(
        Permission("moving", "royal-mail", Choice.GIVEN),
        ended(Choice.WITHDRAWN, purpose="money", controller="dwp"),
    )

    assert [(row.offer.controller, row.may_stop, row.may_allow) for row in kept] == [
        ("hmrc", False, True),
        ("royal-mail", True, False),
    ]


def test_purposes_keep_the_order_in_which_they_are_offered():
    offers = (offer("money", "dwp"), offer("family", "hmrc"), offer("money", "hmrc"))

    found = laid_out(Choices(1, (), offers), NOW)

    assert [(each.name, len(each.rows)) for each in found] == [("Money", 2), ("Family", 1)]


@pytest.mark.parametrize("done", [Happened.WITHDRAWN, Happened.OBJECTED])
def test_a_no_is_called_done_only_with_the_moment_it_took_effect(done):
    settled = after_refusal(done, "family", "hmrc", NOW)
    waiting = after_refusal(done, "family", "hmrc", None)

    assert (settled.happened, settled.at) == (done, NOW)
    assert (waiting.happened, waiting.at) == (Happened.TAKING_EFFECT, None)
