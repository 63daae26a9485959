"""How choices are laid out, and what is said of them."""

from datetime import UTC, datetime, timedelta

import pytest

from services.portal.domain.choices import (
    Choices,
    Offer,
    Permission,
    Stands,
    Withdrawal,
    after_withdrawal,
    laid_out,
)
from services.portal.domain.session import Happened, Notice

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def offer(purpose="family", controller="hmrc") -> Offer:
    return Offer(purpose, purpose.title(), controller, controller.upper(), "Words.", "a" * 64)


OFFERS = (offer(),)


def rows(*permissions, offers=OFFERS, notice=None):
    found = laid_out(Choices(1, permissions, tuple(offers)), notice, NOW)
    return [row for purpose in found for row in purpose.rows]


def test_what_was_never_said_is_no():
    (row,) = rows()

    assert (row.stands, row.may_allow, row.may_stop) == (Stands.NEVER_GIVEN, True, False)


@pytest.mark.parametrize(
    ("permission", "stands", "may_stop"),
    [
        (Permission("family", "hmrc", given=True), Stands.GIVEN, True),
        (Permission("family", "hmrc", given=True, expires_at=NOW + DAY), Stands.GIVEN, True),
        (Permission("family", "hmrc", given=True, expires_at=NOW), Stands.ENDED, False),
        (Permission("family", "hmrc", given=False), Stands.WITHDRAWN, False),
        (Permission("family", "dwp", given=False), Stands.NEVER_GIVEN, False),
        (Permission("money", "hmrc", given=False), Stands.NEVER_GIVEN, False),
    ],
)
def test_a_permission_stands_for_its_own_purpose_and_department(permission, stands, may_stop):
    (row,) = rows(permission)

    assert (row.stands, row.may_stop) == (stands, may_stop)


@pytest.mark.parametrize(
    ("notice", "stands"),
    [
        (Notice(Happened.TAKING_EFFECT, "family", "hmrc"), Stands.TAKING_EFFECT),
        (Notice(Happened.TAKING_EFFECT, "family", "dwp"), Stands.WITHDRAWN),
        (Notice(Happened.WITHDRAWN, "family", "hmrc", NOW), Stands.WITHDRAWN),
    ],
)
def test_a_withdrawal_is_taking_effect_until_it_has(notice, stands):
    (row,) = rows(Permission("family", "hmrc", given=False), notice=notice)

    assert row.stands is stands


def test_a_permission_that_is_no_longer_offered_can_still_be_taken_back():
    kept = rows(
        Permission("moving", "royal-mail", given=True), Permission("money", "dwp", given=False)
    )

    assert [(row.offer.controller, row.may_stop, row.may_allow) for row in kept] == [
        ("hmrc", False, True),
        ("royal-mail", True, False),
    ]


def test_purposes_keep_the_order_in_which_they_are_offered():
    offers = (offer("money", "dwp"), offer("family", "hmrc"), offer("money", "hmrc"))

    found = laid_out(Choices(1, (), offers), None, NOW)

    assert [(each.name, len(each.rows)) for each in found] == [("Money", 2), ("Family", 1)]


def test_a_withdrawal_is_called_done_only_with_the_moment_it_took_effect():
    done = after_withdrawal("family", "hmrc", Withdrawal(NOW))
    waiting = after_withdrawal("family", "hmrc", Withdrawal(None))

    assert (done.happened, done.at) == (Happened.WITHDRAWN, NOW)
    assert (waiting.happened, waiting.at) == (Happened.TAKING_EFFECT, None)
