"""What a later statement about an entry does to the prompts of the earlier ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.nudges.domain.decide import decide
from services.nudges.domain.decision import Outcome, prompt_id
from services.nudges.domain.decision import SuppressionReason as Why
from services.nudges.domain.life_event import PartialDate, Reason, Standing
from services.nudges.domain.nudge import Effect
from services.nudges.domain.permission import Choice
from tests.laws import law
from tests.unit.nudges.builders import (
    BIRTH,
    EVENT,
    MOTHER,
    NOW,
    ROOT,
    a_catalogue,
    a_life_event,
    a_nudge,
    a_permission,
    a_set,
)
from tests.unit.nudges.strategies import ANSWERED, NEVER, events, moments, nudges, permissions

ANOTHER = "t" * 26
PERMITTED = a_set(a_permission())
PROMPT = prompt_id(ROOT, "family.child-benefit", 1, 0, MOTHER)


def a_correction(**overrides):
    """The register says something later about the entry that ROOT opened."""
    about = {"reason": Reason.FORMAL_CORRECTION, "supersedes": ROOT, "root_event_id": ROOT}
    return a_life_event(**{**about, **overrides})


def the_nudge(event, nudge=None, permitted=PERMITTED, **words):
    catalogue = a_catalogue(nudge or a_nudge(), **words)
    (decided,) = decide(event, permitted, catalogue, NOW).nudges
    return decided


def seen(decided):
    return decided.outcome, decided.reasons, decided.prompt_id


@pytest.mark.parametrize(
    ("reason", "root"),
    [
        (Reason.REGISTERED, EVENT),
        (Reason.FORMAL_CORRECTION, ROOT),
        (Reason.TYPOGRAPHICAL, ROOT),
        (Reason.CANCELLED, ROOT),
        (Reason.CANCELLATION_REMOVED, EVENT),
    ],
)
def test_where_a_record_names_no_root_a_correction_continues_what_it_replaces(reason, root):
    event = a_life_event(reason=reason, supersedes=ROOT)

    assert event.prompt_root == root
    assert decide(event, PERMITTED, a_catalogue(), NOW).root_event_id == root


@pytest.mark.parametrize("reason", Reason)
def test_the_root_that_a_record_names_counts(reason):
    event = a_life_event(reason=reason, supersedes=ROOT, root_event_id=ANOTHER)

    assert event.prompt_root == ANOTHER


def test_an_amended_entry_is_the_same_prompt_with_its_new_dates():
    decided = the_nudge(a_correction(occurred="2026-11-17"), a_nudge(deadline_days=90))

    assert seen(decided) == (Outcome.ISSUED, (), PROMPT)
    assert decided.parameters == {"occurred": "2026-11-17", "deadline": "2027-02-15"}


@pytest.mark.parametrize(
    ("event", "nudge", "permitted", "reason"),
    [
        ({}, {"condition": NEVER}, PERMITTED, Why.NOT_ELIGIBLE),
        ({}, {"nations": frozenset({"S"})}, PERMITTED, Why.NOT_IN_AUDIENCE),
        ({}, {"roles": frozenset({"father"})}, PERMITTED, Why.NOT_IN_AUDIENCE),
        ({"occurred": "2026-01-01"}, {}, PERMITTED, Why.STALE_EVENT),
        ({}, {"effective_until": NOW.date().replace(month=6)}, PERMITTED, Why.NUDGE_NOT_EFFECTIVE),
        (
            {"fulfilled_types": frozenset({ANSWERED})},
            {"unless": frozenset({ANSWERED})},
            PERMITTED,
            Why.FULFILLED_ALREADY,
        ),
        ({}, {}, a_set(), Why.NO_PERMISSION),
    ],
)
def test_what_an_amended_entry_does_not_offer_is_called_off(event, nudge, permitted, reason):
    decided = the_nudge(a_correction(**event), a_nudge(**nudge), permitted)

    assert seen(decided) == (Outcome.CANCELLED, (reason,), PROMPT)


def test_an_amended_entry_in_another_nation_offers_that_nations_nudge_instead():
    english, scottish = (
        a_nudge(id=f"family.{name}", nations=frozenset({name[0].upper()}))
        for name in ("english", "scottish")
    )

    decision = decide(a_correction(nation="S"), PERMITTED, a_catalogue(english, scottish), NOW)

    assert [(each.nudge, each.outcome) for each in decision.nudges] == [
        ("family.english", Outcome.CANCELLED),
        ("family.scottish", Outcome.ISSUED),
    ]


@pytest.mark.parametrize(
    ("reason", "root"), [(Reason.TYPOGRAPHICAL, ROOT), (Reason.CANCELLATION_REMOVED, EVENT)]
)
def test_where_the_type_says_keep_nothing_is_decided(reason, root):
    event = a_correction(reason=reason, root_event_id=root)

    decided = the_nudge(event, **{str(reason): Effect.KEEP})

    assert seen(decided) == (Outcome.SUPPRESSED, (Why.CORRECTION_KEPT,), "")


@pytest.mark.parametrize("reason", [Reason.FORMAL_CORRECTION, Reason.TYPOGRAPHICAL])
def test_a_correction_that_is_the_first_to_come_is_decided_like_any_first_statement(reason):
    event = a_correction(reason=reason, root_event_id=EVENT)
    first = prompt_id(EVENT, "family.child-benefit", 1, 0, MOTHER)

    assert seen(the_nudge(event)) == (Outcome.ISSUED, (), first)
    assert seen(the_nudge(event, a_nudge(condition=NEVER))) == (
        Outcome.SUPPRESSED,
        (Why.NOT_ELIGIBLE,),
        "",
    )


def test_what_was_registered_first_and_comes_last_is_decided_again_where_it_counts():
    event = a_life_event(root_event_id=ROOT)

    assert seen(the_nudge(event)) == (Outcome.ISSUED, (), PROMPT)
    assert seen(the_nudge(event, a_nudge(condition=NEVER))) == (
        Outcome.CANCELLED,
        (Why.NOT_ELIGIBLE,),
        PROMPT,
    )


def test_a_cancelled_entry_calls_off_every_nudge_of_its_type_whoever_it_addresses():
    everybody = [a_nudge(), a_nudge(id="family.other", roles=frozenset({"father"}))]

    decision = decide(a_correction(reason=Reason.CANCELLED), a_set(), a_catalogue(*everybody), NOW)

    assert decision.withdraws_entry
    assert [seen(each) for each in decision.nudges] == [
        (Outcome.CANCELLED, (Why.EVENT_CANCELLED,), prompt_id(ROOT, each.id, 1, 0, MOTHER))
        for each in everybody
    ]


@pytest.mark.parametrize("reason", [each for each in Reason if each is not Reason.CANCELLED])
def test_nothing_but_a_cancellation_withdraws_an_entry(reason):
    assert not decide(a_correction(reason=reason), PERMITTED, a_catalogue(), NOW).withdraws_entry


def test_a_cancellation_that_is_removed_is_a_new_prompt():
    event = a_correction(reason=Reason.CANCELLATION_REMOVED, root_event_id=EVENT)

    renewed = prompt_id(EVENT, "family.child-benefit", 1, 0, MOTHER)
    assert seen(the_nudge(event)) == (Outcome.ISSUED, (), renewed)


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize(
    ("standing", "why"),
    [
        (Standing.CANCELLED, Why.EVENT_CANCELLED),
        (Standing.REPLACED, Why.EVENT_REPLACED),
        (Standing.REPEATED, Why.EVENT_REPEATED),
    ],
)
def test_a_statement_that_stood_no_longer_when_it_came_brings_nothing(reason, standing, why):
    event = a_correction(reason=reason, standing=standing)

    assert seen(the_nudge(event)) == (Outcome.SUPPRESSED, (why,), "")
    assert not decide(event, PERMITTED, a_catalogue(), NOW).withdraws_entry


@pytest.mark.parametrize("standing", [each for each in Standing if each != Standing.IN_FORCE])
def test_a_statement_that_does_not_stand_fulfils_nothing(standing):
    nudge = a_nudge(event_type="other.v1", unless=frozenset({BIRTH}))
    event = a_life_event(standing=standing)

    assert decide(event, PERMITTED, a_catalogue(nudge), NOW).nudges == ()


statements = st.lists(st.tuples(events, permissions, nudges, moments), min_size=1, max_size=4)


@law
@given(statements)
def test_whatever_is_said_of_an_entry_one_prompt_is_meant_for_a_nudge_and_person(said):
    meant = set()
    for event, permitted, nudge, now in said:
        about = replace(event, root_event_id=ROOT)
        for decided in decide(about, permitted, a_catalogue(nudge), now).nudges:
            if decided.outcome.means_a_prompt:
                meant.add(decided.prompt_id)

    assert meant <= {PROMPT}


@law
@given(events, permissions, nudges, moments)
def test_an_amended_entry_speaks_of_each_prompt_and_offers_none_without_permission(
    event, permitted, nudge, now
):
    amended = replace(
        event, reason=Reason.FORMAL_CORRECTION, root_event_id=ROOT, standing=Standing.IN_FORCE
    )

    (decided,) = decide(amended, permitted, a_catalogue(nudge), now).nudges

    assert decided.prompt_id == PROMPT
    assert decided.outcome in {Outcome.ISSUED, Outcome.SCHEDULED, Outcome.CANCELLED}
    row = permitted.row("family", "hmrc")
    if row is None or row.choice is not Choice.GIVEN or permitted.flags:
        assert decided.outcome is Outcome.CANCELLED


def test_a_date_that_was_partial_and_is_exact_now_gives_an_exact_deadline():
    nudge = a_nudge(deadline_days=90)
    first = a_life_event(event_id=ROOT, occurred="2026-11")
    exact = replace(a_correction(), occurred=PartialDate.parse("2026-11-18"))

    before, after = the_nudge(first, nudge), the_nudge(exact, nudge)

    assert before.prompt_id == after.prompt_id
    assert before.parameters == {"occurred": "2026-11", "deadline": "2027-01-30"}
    assert after.parameters == {"occurred": "2026-11-18", "deadline": "2027-02-16"}
