"""The newest set wins, and what is too old is asked for."""

from __future__ import annotations

import pytest

from services.nudges.adapters.permission_view import PermissionView, ReadThrough
from services.nudges.domain.errors import PermissionsUnavailable
from services.nudges.domain.permission import PermissionSet
from tests.unit.nudges.builders import a_permission, a_set

ADA, BOB = "a" * 26, "b" * 26


class Identity:
    def __init__(self, *sets):
        self.sets = {each.subject: each for each in sets}
        self.asked = []
        self.away = False

    async def fetch(self, handles):
        self.asked.append(sorted(handles))
        if self.away:
            raise PermissionsUnavailable("unavailable")
        return [self.sets.get(each, PermissionSet(each)) for each in handles]


def the_set(subject, serial, *rows):
    return a_set(*rows, subject=subject, serial=serial)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 3, 1)])
def test_records_may_come_late_and_twice(order):
    view = PermissionView()

    for serial in order:
        view.learn(the_set(ADA, serial))

    assert view.find(ADA) == the_set(ADA, 3)
    assert len(view) == 1


def test_who_was_erased_is_not_known():
    view = PermissionView()
    view.learn(the_set(ADA, 1))

    view.forget(ADA)
    view.forget(BOB)

    assert view.find(ADA) is None


async def test_a_view_that_is_new_enough_is_not_asked_beyond():
    view, identity = PermissionView(), Identity()
    view.learn(the_set(ADA, 5, a_permission()))

    found = await ReadThrough(view, identity).at_least({ADA: 5})

    assert found[ADA].row("family", "hmrc") == a_permission()
    assert identity.asked == []


async def test_what_is_too_old_or_missing_is_asked_for_in_one_call_and_learnt():
    view = PermissionView()
    view.learn(the_set(ADA, 4))
    identity = Identity(the_set(ADA, 6, a_permission()), the_set(BOB, 2))
    permissions = ReadThrough(view, identity)

    found = await permissions.at_least({ADA: 5, BOB: 1})
    again = await permissions.at_least({ADA: 6, BOB: 2})

    assert (found[ADA].serial, found[BOB].serial) == (6, 2)
    assert again == found
    assert identity.asked == [[ADA, BOB]]


async def test_serial_zero_says_that_identity_had_nothing():
    identity = Identity()

    found = await ReadThrough(PermissionView(), identity).at_least({ADA: 0})

    assert found == {ADA: PermissionSet(ADA)}
    assert identity.asked == []


async def test_a_forged_serial_holds_nothing_up():
    view = PermissionView()
    view.learn(the_set(ADA, 4, a_permission()))

    found = await ReadThrough(view, Identity(the_set(ADA, 4, a_permission()))).at_least(
        {ADA: 10**12}
    )

    assert found[ADA].serial == 4


async def test_while_identity_is_away_nothing_is_guessed():
    view, identity = PermissionView(), Identity()
    view.learn(the_set(ADA, 4, a_permission()))
    identity.away = True

    with pytest.raises(PermissionsUnavailable):
        await ReadThrough(view, identity).at_least({ADA: 5})
