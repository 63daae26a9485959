"""What a person permits, and the only ways it changes."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.errors import FieldInvalid
from services.identity.domain.permission import (
    Choice,
    Flag,
    Outcome,
    PermissionSet,
    expire,
    give,
    object_to,
    put_marks,
    withdraw,
)
from tests.builders import BASIS, NOW, an_empty_set, some_terms
from tests.laws import law, subsets

KEYS = [("family", "hmrc"), ("family", "nhs"), ("work", "dwp")]

# Whole steps are drawn, one choice each: the space is that of their parts.
steps = st.lists(
    st.one_of(
        st.sampled_from([("give", key, ends) for ends in (None, *range(1, 61)) for key in KEYS]),
        st.sampled_from([("withdraw", key) for key in KEYS]),
        st.sampled_from([("object", key) for key in KEYS]),
        st.just(("expire",)),
        subsets(Flag).map(lambda flags: ("flags", flags)),
        st.sampled_from([("wait", minutes) for minutes in range(91)]),
    ),
    max_size=20,
)


def permitted(held, key, now):
    """The oracle: what a reader of the row, and of nothing else, takes for permission."""
    row = held.row(*key)
    return (
        row.choice is Choice.GIVEN
        and not row.ended
        and (row.expires_at is None or row.expires_at > now)
    )


class Step(NamedTuple):
    """One transition: what was done, with what, when, on which set, and what came of it."""

    name: str
    key: Any
    now: datetime
    before: PermissionSet
    outcome: Outcome


def play(taken):
    """Each transition, on the set that the one before it left."""
    held, now = an_empty_set(), NOW
    for name, *rest in taken:
        match name, rest:
            case "wait", [by]:
                now += timedelta(minutes=by)
                continue
            case "give", [(purpose, controller), ends]:
                expires_at = now + timedelta(minutes=ends) if ends else None
                terms = some_terms(purpose=purpose, controller=controller, expires_at=expires_at)
                outcome = give(held, terms, BASIS, now)
            case "withdraw", [key]:
                outcome = withdraw(held, *key)
            case "object", [key]:
                outcome = object_to(held, *key)
            case "expire", []:
                outcome = expire(held, now)
            case "flags", [flags]:
                outcome = put_marks(held, flags, ())
        yield Step(name, rest[0] if rest else None, now, held, outcome)
        held = outcome.after


def epochs_never_fall_and_rise_by_one_just_when_permission_ends(step):
    for key in KEYS:
        was, after = step.before.row(*key), step.outcome.after.row(*key)
        meant = step.key == key
        in_force = was.choice is Choice.GIVEN and not was.ended
        ran_out = in_force and not permitted(step.before, key, step.now)
        ends = (
            (step.name in {"withdraw", "object"} and meant and in_force)
            or (step.name == "expire" and ran_out)
            or (step.name == "give" and meant and ran_out)
        )

        assert after.epoch == was.epoch + ends


def the_serial_rises_just_when_something_changed(step):
    before, outcome = step.before, step.outcome
    unchanged = (before.permissions, before.flags)
    same = unchanged == (outcome.after.permissions, outcome.after.flags)

    assert (outcome.after.serial == before.serial) == same
    assert outcome.after.serial >= before.serial
    serials = [change.serial for change in outcome.changes]
    assert serials == list(range(before.serial + 1, before.serial + 1 + len(serials)))


def whoever_may_act_on_an_older_permission_is_fenced(step):
    before, after = step.before, step.outcome.after
    older = any(after.row(*key).epoch > before.row(*key).epoch for key in KEYS)

    assert step.outcome.must_be_fenced == (older or bool(after.flags - before.flags))


def nothing_is_permitted_after_a_no(step):
    if step.name in {"withdraw", "object"}:
        assert not permitted(step.outcome.after, step.key, step.now)


def only_a_yes_lifts_an_objection(step):
    for key in KEYS:
        objected = step.before.row(*key).choice is Choice.OBJECTED
        stands = step.outcome.after.row(*key).choice is Choice.OBJECTED
        if step.name == "object" and step.key == key:
            assert stands
        elif objected:
            assert stands != (step.name == "give" and step.key == key)


def no_key_has_two_rows(step):
    written = [(row.purpose, row.controller) for row in step.outcome.after.permissions]
    assert written == sorted(set(written))


LAWS = (
    epochs_never_fall_and_rise_by_one_just_when_permission_ends,
    the_serial_rises_just_when_something_changed,
    whoever_may_act_on_an_older_permission_is_fenced,
    nothing_is_permitted_after_a_no,
    only_a_yes_lifts_an_objection,
    no_key_has_two_rows,
)


@law
@given(steps)
def test_whatever_is_done_every_law_of_permission_holds(taken):
    for step in play(taken):
        for holds in LAWS:
            holds(step)


def test_giving_the_same_twice_changes_nothing():
    held = give(an_empty_set(), some_terms(), BASIS, NOW).after

    assert give(held, some_terms(), BASIS, NOW) == Outcome(held)


def test_other_channels_change_the_serial_and_not_the_epoch():
    held = give(an_empty_set(), some_terms(), BASIS, NOW).after

    outcome = give(held, some_terms(channels=("inbox",)), BASIS, NOW)

    assert outcome.after.serial == 2
    assert outcome.after.row("family", "hmrc").epoch == 0
    assert not outcome.must_be_fenced


def test_no_channels_named_means_those_there_are():
    held = give(an_empty_set(), some_terms(), BASIS, NOW).after

    assert held.row("family", "hmrc").channels == ("inbox", "stream")


def test_withdrawing_what_was_never_given_changes_nothing():
    held = an_empty_set()

    outcome = withdraw(held, "family", "hmrc")

    assert outcome == Outcome(held)
    assert outcome.after.row("family", "hmrc").choice is Choice.UNSAID


def test_who_was_never_asked_may_object_and_nobody_need_be_fenced():
    outcome = object_to(an_empty_set(), "family", "hmrc")

    row = outcome.after.row("family", "hmrc")
    assert (row.choice, row.epoch, outcome.after.serial) == (Choice.OBJECTED, 0, 1)
    assert not outcome.must_be_fenced


def test_objecting_to_what_was_given_ends_it_and_to_what_was_withdrawn_ends_nothing():
    held = give(an_empty_set(), some_terms(), BASIS, NOW).after
    objected = object_to(held, "family", "hmrc")
    after_withdrawal = object_to(withdraw(held, "family", "hmrc").after, "family", "hmrc")

    assert objected.must_be_fenced
    assert objected.after.row("family", "hmrc").epoch == 1
    assert not after_withdrawal.must_be_fenced
    assert after_withdrawal.after.row("family", "hmrc") == objected.after.row("family", "hmrc")


def test_what_was_objected_to_cannot_be_withdrawn_into_less():
    held = object_to(an_empty_set(), "family", "hmrc").after

    assert withdraw(held, "family", "hmrc") == Outcome(held)
    assert object_to(held, "family", "hmrc") == Outcome(held)


def test_what_ran_out_unnoticed_ends_before_it_is_given_again():
    soon = NOW + timedelta(minutes=1)
    held = give(an_empty_set(), some_terms(expires_at=soon), BASIS, NOW).after

    outcome = give(held, some_terms(), BASIS, soon)

    assert [change.signed_by for change in outcome.changes] == ["expiry", "self"]
    assert outcome.after.row("family", "hmrc").epoch == 1
    assert outcome.must_be_fenced


def test_taking_back_what_ran_out_ends_nothing_twice():
    soon = NOW + timedelta(minutes=1)
    given_for_a_minute = give(an_empty_set(), some_terms(expires_at=soon), BASIS, NOW).after
    expired = expire(given_for_a_minute, soon).after

    outcome = withdraw(expired, "family", "hmrc")

    row = outcome.after.row("family", "hmrc")
    assert (row.choice, row.epoch) == (Choice.WITHDRAWN, 1)
    assert not outcome.must_be_fenced


@pytest.mark.parametrize(
    ("changed", "path", "code"),
    [
        ({"channels": ("inbox", "carrier-pigeon")}, "channels", "channel_unknown"),
        ({"expires_at": NOW}, "expires_at", "time_past"),
    ],
)
def test_terms_that_make_no_sense_are_refused(changed, path, code):
    with pytest.raises(FieldInvalid) as refused:
        give(an_empty_set(), some_terms(**changed), BASIS, NOW)

    assert (refused.value.path, refused.value.code) == (path, code)


def test_a_flag_that_is_there_already_changes_nothing():
    held = put_marks(an_empty_set(), {Flag.DECEASED}, ()).after

    assert put_marks(held, {Flag.DECEASED}, ()) == Outcome(held)


def test_lifting_a_flag_is_told_and_needs_no_fence():
    held = put_marks(an_empty_set(), {Flag.DECEASED}, ()).after

    outcome = put_marks(held, (), ())

    assert outcome.after.serial == 2
    assert not outcome.must_be_fenced


def test_one_more_closed_case_is_fenced_and_one_fewer_need_not():
    closed = put_marks(an_empty_set(), (), {"case"})

    assert closed.must_be_fenced
    assert closed.after.closed_cases == {"case"}
    reopened = put_marks(closed.after, (), ())
    assert reopened.after.serial == 2
    assert not reopened.must_be_fenced
    assert put_marks(closed.after, (), {"other"}).must_be_fenced
