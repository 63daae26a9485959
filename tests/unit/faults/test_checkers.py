"""Each checker finds what contradicts its invariant, those operations exactly, and nothing else."""

from __future__ import annotations

import pytest

from services.notifications.domain.ledger import Reason
from tests.faults.absence import closed_while_identity_is_away
from tests.faults.checkers import contradictions
from tests.faults.deaths import silent_after_a_death
from tests.faults.deliveries import claimed_once, replays_are_silent, shown_once
from tests.faults.operation import Kind
from tests.faults.permissions import no_wrongful_silence, nothing_passes_after_an_end
from tests.unit.faults.builders import CASE, a_history, failed, ok, unknown

ISSUE, CLAIM, OPEN, SHOW = Kind.ISSUE, Kind.CLAIM, Kind.OPEN, Kind.SHOW
GIVE, WITHDRAW, OBJECT = Kind.GIVE, Kind.WITHDRAW, Kind.OBJECT
SENT, CANCEL, SUPPRESS = Kind.EVENT, Kind.CANCEL, Kind.SUPPRESS
DEATH, LOSS, REPLAY, AWAY, CONFIRM = Kind.DEATH, Kind.LOSS, Kind.REPLAY, Kind.AWAY, Kind.CONFIRM

FIRST = ok(CLAIM, 10, 12, serial=1, lease_ns=100)
NO = ok(WITHDRAW, 100, 120, serial=10, epoch=1)
DIED = ok(DEATH, 100, 120, serial=10, event_id="d")
LOST = ok(LOSS, 100, 120, serial=10, case_id=CASE, event_id="l")
GONE = ok(AWAY, 100, 200, part="identity")
AGAIN = ok(REPLAY, 100, 200)
YES = ok(GIVE, 10, 20, serial=2, epoch=0)
ARRIVED = ok(SENT, 30, 40)
SILENCED = ok(SUPPRESS, 50, 60, reason="no_permission")

# Each operation's moments are nanoseconds. The contradictory ones come first, in their order.
BAD = {
    "a second claim under the lease of the first": (
        claimed_once, (FIRST, ok(CLAIM, 50, 109, serial=2)), 2,
    ),
    "a second claim that should not have found its row": (
        claimed_once, (ok(CLAIM, 10, 12, serial=1), ok(CLAIM, 900, 909, serial=2)), 2,
    ),
    "a second claim whose caller heard nothing, on a row without a lease": (
        claimed_once, (ok(CLAIM, 10, 12, serial=1), unknown(CLAIM, 90, serial=2)), 2,
    ),
    "a prompt on one device three times": (
        shown_once, (ok(SHOW, 1, 2), ok(SHOW, 3, 4), ok(SHOW, 5, 6, channel="inbox")), 3,
    ),
    "a claim that committed after a withdrawal": (
        nothing_passes_after_an_end, (NO, ok(CLAIM, 90, 95, serial=11)), 2,
    ),
    "a claim after an objection, its result unknown and its serial known": (
        nothing_passes_after_an_end,
        (ok(OBJECT, 1, 2, serial=10, epoch=1), unknown(CLAIM, 90, serial=11)), 2,
    ),
    "a claim under an epoch that ended although there was a later yes": (
        nothing_passes_after_an_end,
        (NO, ok(CLAIM, 190, 195, serial=15), ok(GIVE, 130, 140, serial=12, epoch=1)), 2,
    ),
    "an open after the first of two withdrawals that ended its epoch": (
        nothing_passes_after_an_end,
        (NO, ok(OPEN, 190, 195, serial=20), ok(WITHDRAW, 150, 160, serial=15, epoch=2)), 2,
    ),
    "an open under the epoch that only the second withdrawal ended": (
        nothing_passes_after_an_end,
        (ok(WITHDRAW, 150, 160, serial=15, epoch=2), ok(OPEN, 190, 195, epoch=1, serial=20), NO), 2,
    ),
    "an answered open that began after the acknowledgement, whatever its serial": (
        nothing_passes_after_an_end, (NO, ok(OPEN, 121, 130, serial=9)), 2,
    ),
    "an open whose answer got lost for the caller, and was shown": (
        nothing_passes_after_an_end, (NO, unknown(OPEN, 121), ok(SHOW, 140, 141)), 3,
    ),
    "an open by a person who died": (
        silent_after_a_death, (DIED, ok(OPEN, 90, 130, serial=11)), 2,
    ),
    "an open after a death was acknowledged, and its show": (
        silent_after_a_death, (DIED, unknown(OPEN, 121), ok(SHOW, 130, 131)), 3,
    ),
    "a show after a death, never opened": (
        silent_after_a_death, (DIED, ok(SHOW, 121, 122), unknown(DEATH, 1, event_id="x")), 2,
    ),
    "an open after the first of two deaths, the other acknowledged earlier": (
        silent_after_a_death,
        (DIED, ok(OPEN, 90, 130, serial=11), ok(DEATH, 1, 2, serial=12)), 2,
    ),
    "a show of a case after a loss, even for a bereavement": (
        silent_after_a_death, (LOST, ok(SHOW, 121, 122, bereavement=True)), 2,
    ),
    "an open for a person nobody confirmed": (
        closed_while_identity_is_away, (GONE, ok(OPEN, 110, 120, part="replica-1")), 2,
    ),
    "a claim for a person confirmed elsewhere": (
        closed_while_identity_is_away,
        (GONE, ok(CLAIM, 110, 120, part="replica-1"), ok(CONFIRM, 1, 2, part="replica-2")), 2,
    ),
    "a claim for a person who cannot have been confirmed": (
        closed_while_identity_is_away,
        (GONE, ok(CLAIM, 110, 120), failed(CONFIRM, 1, 2), unknown(CONFIRM, 105)), 2,
    ),
    "a prompt that only a replay made": (
        replays_are_silent, (AGAIN, ok(ISSUE, 110, 120), ok(SENT, 1, 2)), 2,
    ),
    "a prompt that was made before and is shown in a replay": (
        replays_are_silent, (AGAIN, ok(SHOW, 110, 120), ok(ISSUE, 10, 20)), 2,
    ),
    "a prompt surely shown in a replay only the second time": (
        replays_are_silent, (AGAIN, ok(SHOW, 110, 120), unknown(SHOW, 105), ok(ISSUE, 10, 20)), 2,
    ),
    "a prompt shown in a replay, of an event first sent long ago": (
        replays_are_silent,
        (AGAIN, ok(SHOW, 110, 120), unknown(SENT, 10), ok(SENT, 105, 106), ok(ISSUE, 20, 21)), 2,
    ),
    "an event after a yes": (no_wrongful_silence, (YES, ARRIVED, SILENCED), 3),
    "an event after a yes in commit order": (
        no_wrongful_silence,
        (YES, ok(SENT, 12, 40, serial=3), SILENCED, failed(WITHDRAW, 25, 26)), 3,
    ),
    "an event after the second yes": (
        no_wrongful_silence,
        (ok(GIVE, 25, 28, serial=4, epoch=1), ARRIVED, SILENCED,
         YES, ok(WITHDRAW, 21, 26, serial=3, epoch=1)), 3,
    ),
    "an event suppressed by the gate, before another no began": (
        no_wrongful_silence,
        (YES, ARRIVED, ok(SUPPRESS, 50, 60, reason=Reason.STALE), unknown(WITHDRAW, 61)), 3,
    ),
}  # fmt: skip

GOOD = {
    "nothing": (),
    "a second claim after the lease lapsed": (FIRST, ok(CLAIM, 50, 110, serial=2)),
    "a second claim that may have been made later": (FIRST, unknown(CLAIM, 50, 60, serial=2)),
    "a second claim that nobody knows of": (FIRST, unknown(CLAIM, 50), failed(CLAIM, 50, 60)),
    "claims on two channels": (FIRST, ok(CLAIM, 50, 60, serial=2, channel="inbox")),
    "shows on two devices": (ok(SHOW, 1, 2), ok(SHOW, 3, 4, process="phone")),
    "a second show that may not have been": (ok(SHOW, 1, 2), unknown(SHOW, 3)),
    "a claim before a withdrawal, later on the clock": (NO, ok(CLAIM, 110, 130, serial=9)),
    "a claim invoked after it, before it in commit order": (NO, ok(CLAIM, 121, 130, serial=9)),
    "a claim under the new epoch": (NO, ok(CLAIM, 190, 195, serial=15, epoch=1)),
    "a claim that failed": (NO, failed(CLAIM, 190, 195)),
    "a claim that nobody knows of": (NO, unknown(CLAIM, 190, 195)),
    "a claim that needs no permission": (NO, ok(CLAIM, 190, 195, serial=11, epoch=None)),
    "a claim for another purpose": (NO, ok(CLAIM, 190, 195, serial=11, purpose="money")),
    "a claim after a withdrawal nobody was told of": (
        unknown(WITHDRAW, 1, 2, serial=10, epoch=1), ok(CLAIM, 190, 195, serial=11),
    ),
    "a claim after a withdrawal that failed": (
        failed(WITHDRAW, 1, 2, epoch=1), ok(CLAIM, 190, 195, serial=11),
    ),
    "an open that nobody knows of": (NO, unknown(OPEN, 190)),
    "an open in the moment of the acknowledgement": (NO, ok(OPEN, 120, 130)),
    "an open before a withdrawal, shown after it": (
        NO, ok(OPEN, 118, 130, serial=9), ok(SHOW, 140, 141),
    ),
    "a show that may be of the open before": (
        NO, unknown(OPEN, 110), unknown(OPEN, 121), ok(SHOW, 140, 141),
    ),
    "a show before the open that could not be": (NO, ok(SHOW, 90, 95), unknown(OPEN, 121)),
    "a bereavement's prompt": (DIED, ok(OPEN, 190, 195, serial=11, bereavement=True)),
    "a prompt of which nobody says what for": (DIED, ok(OPEN, 190, 195, bereavement=None)),
    "a prompt opened before a death, shown after it": (
        DIED, ok(OPEN, 90, 130, serial=9), ok(SHOW, 140, 141),
    ),
    "a prompt of somebody else": (DIED, ok(OPEN, 190, 195, serial=11, subject="q" * 26)),
    "an open after a death that may be": (
        unknown(DEATH, 1, 2, serial=10), ok(OPEN, 190, 195, serial=11),
    ),
    "an open after a death that may have been cancelled": (
        DIED, unknown(CANCEL, 150, event_id="d"), ok(OPEN, 190, 195, serial=11),
    ),
    "a prompt of another case": (LOST, ok(OPEN, 190, 195, serial=11, case_id="x" * 26)),
    "an open for a confirmed person": (
        GONE, ok(CONFIRM, 1, 2, part="replica-1"), ok(OPEN, 110, 120, part="replica-1"),
    ),
    "an open for a person who may have been confirmed": (
        GONE, unknown(CONFIRM, 99), ok(OPEN, 110, 120, part="replica-1"),
    ),
    "an open of which nobody says where": (
        GONE, ok(CONFIRM, 1, 2, part="replica-2"), ok(OPEN, 110, 120),
    ),
    "an open that ended when identity was back": (GONE, ok(OPEN, 110, 201)),
    "an open that began when identity was there": (GONE, ok(OPEN, 99, 120)),
    "an open that may be": (GONE, unknown(OPEN, 110, 120), failed(OPEN, 110, 120)),
    "an open while somebody else was away": (
        ok(AWAY, 100, 200, part="nudges"), ok(OPEN, 110, 120),
    ),
    "an open in an absence whose end nobody knows": (
        unknown(AWAY, 100, part="identity"), ok(OPEN, 110, 120),
    ),
    "a prompt a replay made again": (
        AGAIN, ok(ISSUE, 10, 20), ok(ISSUE, 110, 120), ok(SHOW, 30, 31),
        ok(SHOW, 130, 131, process="phone"),
    ),
    "a prompt that was shown before, its making unrecorded": (
        AGAIN, ok(SHOW, 30, 31), ok(ISSUE, 110, 120),
    ),
    "a prompt that may have been shown before": (
        AGAIN, ok(ISSUE, 10, 20), unknown(SHOW, 30), ok(SHOW, 130, 131, process="phone"),
    ),
    "a prompt of an event sent during a replay": (
        AGAIN, ok(SENT, 105, 106), ok(ISSUE, 110, 120), ok(SHOW, 130, 131),
    ),
    "a prompt after a replay": (AGAIN, ok(ISSUE, 150, 201), ok(SHOW, 210, 211)),
    "a prompt in a replay that did not end": (unknown(REPLAY, 100), ok(SHOW, 110, 120)),
    "an event that overlaps a yes": (YES, ok(SENT, 19, 40), SILENCED),
    "an event before a yes in commit order": (YES, ok(SENT, 12, 40, serial=1), SILENCED),
    "an event of another person's serial": (
        YES, ok(SENT, 12, 40, serial=3, subject="q" * 26), SILENCED,
    ),
    "an event that was not acknowledged": (YES, unknown(SENT, 30, 40), SILENCED),
    "an event first sent before a yes": (YES, unknown(SENT, 5), ARRIVED, SILENCED),
    "an event after a yes that may be": (unknown(GIVE, 10, 20), ARRIVED, SILENCED),
    "an event after a yes that failed": (failed(GIVE, 10, 20), ARRIVED, SILENCED),
    "an event suppressed for another reason": (
        YES, ARRIVED, ok(SUPPRESS, 50, 60, reason="not_eligible"),
    ),
    "an event suppressed for another purpose": (
        YES, ARRIVED, ok(SUPPRESS, 50, 60, reason="no_permission", purpose="money"),
    ),
    "an event after a yes and a no": (
        YES, ok(WITHDRAW, 21, 25, serial=3, epoch=1), ARRIVED, SILENCED,
    ),
    "a no between an event and its suppression": (
        YES, ARRIVED, ok(OBJECT, 45, 70, epoch=1), SILENCED,
    ),
    "a no begun in the moment of the suppression": (YES, ARRIVED, SILENCED, unknown(WITHDRAW, 60)),
    "a no that may be, its caller gone before the yes": (
        unknown(WITHDRAW, 1, 5), YES, ARRIVED, SILENCED,
    ),
    "a no after a yes of which nobody knows the serial": (
        ok(GIVE, 10, 20), ok(WITHDRAW, 15, 25, serial=3, epoch=1), ARRIVED, SILENCED,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("checker", "operations", "culprits"), BAD.values(), ids=list(BAD))
@pytest.mark.parametrize("reverse", [False, True], ids=["in order", "reversed"])
def test_a_contradiction_is_found_with_its_operations(checker, operations, culprits, reverse):
    recorded = reversed(operations) if reverse else operations

    (found,) = checker(a_history(*recorded))

    assert found.operations == operations[:culprits]


@pytest.mark.parametrize("operations", GOOD.values(), ids=list(GOOD))
def test_what_only_looks_like_one_passes(operations):
    assert contradictions(a_history(*operations)) == []


@pytest.mark.parametrize(("checker", "operations", "_"), BAD.values(), ids=list(BAD))
def test_all_checkers_together_find_it_too(checker, operations, _):
    found = {each.invariant for each in contradictions(a_history(*operations))}

    assert {each.invariant for each in checker(a_history(*operations))} <= found


def test_a_device_that_knows_nothing_but_its_prompt_is_judged_by_what_others_say():
    known_to_a_device = {"epoch": None, "purpose": "", "controller": "", "subject": ""}
    claim = ok(CLAIM, 10, 12, serial=1)
    opened = ok(OPEN, 130, 140, **known_to_a_device)

    (found,) = contradictions(a_history(claim, NO, opened))

    assert [each.id for each in found.operations] == [NO.id, opened.id]


def test_every_device_and_every_prompt_is_judged():
    twice = [
        (ok(SHOW, 1, 2, process=device, prompt_id=prompt),
         ok(SHOW, 3, 4, process=device, prompt_id=prompt))
        for device in "ab"
        for prompt in "xyz"
    ]  # fmt: skip

    found = shown_once(a_history(*(each for pair in twice for each in pair)))

    assert {each.operations for each in found} == set(twice)


def test_reasons_that_say_nothing_of_permission_are_not_judged():
    history = a_history(
        YES,
        *(ok(SENT, 30, 40, event_id=reason) for reason in Reason),
        *(ok(SUPPRESS, 50, 60, event_id=reason, reason=reason) for reason in Reason),
    )

    found = no_wrongful_silence(history)

    assert {each.operations[-1].reason for each in found} == {
        Reason.WITHDRAWN, Reason.OBJECTED, Reason.STALE,
    }  # fmt: skip
