"""The decision's laws, and the order of its stages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.nudges.domain.decide import decide
from services.nudges.domain.decision import Outcome, prompt_id
from services.nudges.domain.decision import SuppressionReason as Why
from services.nudges.domain.life_event import PartialDate, Reason, Standing
from services.nudges.domain.permission import Choice, Flag, LawfulBasis
from services.nudges.wire import ProtobufContract
from tests.laws import law
from tests.unit.nudges.builders import (
    BIRTH,
    EVENT,
    MOTHER,
    NOW,
    a_catalogue,
    a_life_event,
    a_nudge,
    a_permission,
    a_set,
)
from tests.unit.nudges.strategies import (
    ANSWERED,
    NEVER,
    events,
    moments,
    nudges,
    permissions,
)


def the_nudge(event, permissions, nudge, now=NOW):
    (decided,) = decide(event, permissions, a_catalogue(nudge), now).nudges
    return decided


def test_each_stage_hides_the_ones_behind_it():
    """Everything is wrong at once; mending the first thing shows the next."""
    event = a_life_event(
        standing=Standing.CANCELLED,
        recorded_at=datetime(2026, 4, 5, tzinfo=UTC),
        occurred="2026-01-01",
        age_years=None,
        fulfilled_types=frozenset({ANSWERED}),
    )
    permissions = a_set(a_permission(choice=Choice.WITHDRAWN), flags=[Flag.DECEASED])
    nudge = a_nudge(condition=NEVER, unless=frozenset({ANSWERED}))
    mended = [
        (Why.EVENT_CANCELLED, lambda e, p, n: (replace(e, standing=Standing.IN_FORCE), p, n)),
        (Why.DECEASED, lambda e, p, n: (e, replace(p, flags=frozenset()), n)),
        (Why.AGE_UNKNOWN, lambda e, p, n: (replace(e, age_years=17), p, n)),
        (Why.UNDER_AGE, lambda e, p, n: (replace(e, age_years=18), p, n)),
        (Why.NUDGE_NOT_EFFECTIVE, lambda e, p, n: (replace(e, recorded_at=NOW), p, n)),
        (Why.PERMISSION_WITHDRAWN, lambda e, p, n: (e, a_set(a_permission()), n)),
        (
            Why.STALE_EVENT,
            lambda e, p, n: (replace(e, occurred=PartialDate.parse("2026-11-18")), p, n),
        ),
        (Why.NOT_ELIGIBLE, lambda e, p, n: (e, p, replace(n, condition=()))),
        (Why.FULFILLED_ALREADY, lambda e, p, n: (replace(e, fulfilled_types=frozenset()), p, n)),
    ]

    seen = []
    for _, mend in mended:
        seen += the_nudge(event, permissions, nudge).reasons
        event, permissions, nudge = mend(event, permissions, nudge)

    assert seen == [reason for reason, _ in mended]
    assert the_nudge(event, permissions, nudge).outcome is Outcome.ISSUED


def test_an_issued_prompt_carries_what_delivery_needs():
    decided = the_nudge(a_life_event(), a_set(a_permission()), a_nudge(deadline_days=90))

    assert decided.prompt_id == prompt_id(EVENT, "family.child-benefit", 1, 0, MOTHER)
    assert (decided.version, decided.occurrence, decided.epoch) == ("1.0", 0, 3)
    assert (decided.purpose, decided.controller) == ("family", "hmrc")
    assert decided.due_at == NOW
    assert decided.expires_at == datetime(2027, 2, 17, tzinfo=UTC)
    assert decided.channels == ("inbox", "stream")
    assert decided.parameters == {"occurred": "2026-11-18", "deadline": "2027-02-16"}


def test_after_a_loss_nothing_about_that_child_is_sent_and_siblings_prompts_go_on():
    lost, sibling = "c" * 26, "d" * 26
    permissions = a_set(a_permission(), closed_cases=[lost])

    about_the_lost = the_nudge(a_life_event(case_id=lost), permissions, a_nudge())
    about_the_sibling = the_nudge(a_life_event(case_id=sibling), permissions, a_nudge())
    notice = a_nudge(lawful_basis=LawfulBasis.STATUTORY_NOTICE)

    assert about_the_lost.reasons == (Why.CASE_CLOSED,)
    assert the_nudge(a_life_event(case_id=lost), permissions, notice).reasons == (Why.CASE_CLOSED,)
    assert about_the_sibling.outcome is Outcome.ISSUED


def test_a_decision_carries_its_case():
    decision = decide(a_life_event(case_id="c" * 26), a_set(), a_catalogue(a_nudge()), NOW)

    assert decision.case_id == "c" * 26


def test_without_permission_no_fact_is_looked_at():
    decided = the_nudge(a_life_event(), a_set(), a_nudge(condition=NEVER))

    assert decided.reasons == (Why.NO_PERMISSION,)
    assert decided.facts == ()
    assert decided.prompt_id == ""


@pytest.mark.parametrize("basis", [LawfulBasis.STATUTORY_NOTICE, LawfulBasis.VITAL_INTEREST])
def test_what_needs_no_permission_still_heeds_a_mark(basis):
    notice = a_nudge(lawful_basis=basis)

    assert the_nudge(a_life_event(), a_set(), notice).outcome is Outcome.ISSUED
    assert the_nudge(a_life_event(), a_set(flags=[Flag.DECEASED]), notice).reasons == (
        Why.DECEASED,
    )


@pytest.mark.parametrize("change", [{"role": "child"}, {"nation": "F"}, {"type": "other.v1"}])
def test_a_nudge_for_others_does_not_appear(change):
    decision = decide(a_life_event(**change), a_set(), a_catalogue(a_nudge()), NOW)

    assert decision.nudges == ()


def test_nudges_stand_in_the_order_of_their_ids():
    nudges = [a_nudge(id=f"family.{name}") for name in ("zebra", "apple", "mango")]
    nudges += [a_nudge(id="family.lemon", event_type="other.v1", unless=frozenset({BIRTH}))]

    decision = decide(a_life_event(), a_set(), a_catalogue(*nudges), NOW)

    names = [each.nudge for each in decision.nudges]
    assert names == ["family.apple", "family.lemon", "family.mango", "family.zebra"]


def test_the_event_that_fulfils_a_nudge_calls_it_off():
    nudge = a_nudge(event_type=BIRTH, unless=frozenset({ANSWERED}))
    claimed = a_life_event(type=ANSWERED, role="claimant")

    (decided,) = decide(claimed, a_set(), a_catalogue(nudge), NOW).nudges

    assert decided.outcome is Outcome.CANCELLED
    assert decided.reasons == (Why.FULFILLED_ALREADY,)


def test_a_cancelled_claim_calls_nothing_off():
    nudge = a_nudge(unless=frozenset({ANSWERED}))
    claimed = a_life_event(type=ANSWERED, reason=Reason.CANCELLED)

    assert decide(claimed, a_set(), a_catalogue(nudge, types=(ANSWERED,)), NOW).nudges == ()


def test_a_prompt_id_is_known_for_ever():
    """Golden: a changed id would show every prompt of the log a second time on replay."""
    assert prompt_id(EVENT, "family.child-benefit", 1, 0, MOTHER) == "lyln7rp6hvqwocci76ivomkijm"
    assert prompt_id("a|b", "c", 1, 0, "d") != prompt_id("a", "b|c", 1, 0, "d")


def test_a_minor_version_is_the_same_prompt_and_a_major_is_not():
    permissions = a_set(a_permission())

    first, minor, major = (
        the_nudge(a_life_event(), permissions, a_nudge(major=a, minor=b)).prompt_id
        for a, b in ((1, 0), (1, 7), (2, 0))
    )

    assert first == minor != major


def only_a_permission_in_force_brings_a_prompt(decision, event, permitted, now):
    for decided in decision.nudges:
        if decided.outcome in {Outcome.ISSUED, Outcome.SCHEDULED}:
            row = permitted.row("family", "hmrc")
            assert row is not None
            assert row.choice is Choice.GIVEN
            assert row.expires_at is None or row.expires_at > now
            assert not permitted.flags
            assert set(decided.channels) <= row.channels
            assert event.reason is not Reason.CANCELLED
            assert event.standing is Standing.IN_FORCE
            assert decided.due_at is not None
            assert decided.expires_at is not None
            assert now <= decided.due_at < decided.expires_at
            assert decided.reasons == ()
        else:
            assert len(decided.reasons) == 1


def only_a_known_adult_gets_a_prompt(decision, event):
    if event.age_years is None or event.age_years < 18:
        assert not any(decided.outcome.means_a_prompt for decided in decision.nudges)


def the_same_input_gives_the_same_bytes(decision, again):
    contract = ProtobufContract()

    assert contract.write(decision) == contract.write(again)


def a_replay_later_names_the_same_prompts(decision, later):
    assert [each.nudge for each in decision.nudges] == [each.nudge for each in later.nudges]
    for one, other in zip(decision.nudges, later.nudges, strict=True):
        if one.prompt_id and other.prompt_id:
            assert one.prompt_id == other.prompt_id


@law
@given(events, permissions, nudges, moments, st.timedeltas(timedelta(), timedelta(days=30)))
def test_whatever_happened_every_law_of_deciding_holds(event, permitted, nudge, now, delay):
    decision, again, later = (
        decide(event, permitted, a_catalogue(nudge), at) for at in (now, now, now + delay)
    )

    only_a_permission_in_force_brings_a_prompt(decision, event, permitted, now)
    only_a_known_adult_gets_a_prompt(decision, event)
    the_same_input_gives_the_same_bytes(decision, again)
    a_replay_later_names_the_same_prompts(decision, later)
