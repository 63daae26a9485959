"""The register says more about an entry: what becomes of the prompts that people have already."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import grpc
import psycopg
import pytest
import pytest_asyncio

from joinedup.notifications.v1 import decisions_pb2, prompts_pb2
from joinedup.nudges.v1 import decision_pb2
from services.kit.ids import new_random_id
from services.kit.rpc import reason_of
from tests.integration.notifications.running import eventually
from tests.unit.notifications.builders import (
    LONG_AFTER,
    NOW,
    a_call_off,
    a_decision,
    a_later_decision,
    a_nudge_decision,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
OPENED, SENT, SUPPRESSED = (
    prompts_pb2.STATE_OPENED,
    prompts_pb2.STATE_SENT,
    prompts_pb2.STATE_SUPPRESSED,
)
SCHEDULED = decision_pb2.OUTCOME_SCHEDULED
CORRECTED = {"occurred": "2026-11-17", "deadline": "2027-02-15"}


@pytest_asyncio.fixture(loop_scope="module")
async def mair(replica, identity):
    person = replica.person(new_random_id())
    identity.give(person.subject)
    return person


async def explained(person, an_id):
    try:
        return await person.explain(decisions_pb2.ExplainRequest(id=an_id))
    except grpc.aio.AioRpcError as unknown:
        if unknown.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        return decisions_pb2.ExplainResponse()


async def decided(person, log, *decisions) -> None:
    """Put decisions on the log, and wait until all are kept."""
    for decision in decisions:
        await log.decide(decision)

    async def kept() -> bool:
        return bool((await explained(person, decisions[-1].event_id)).decisions)

    await eventually(kept)


async def stands(person, issued) -> dict[str, tuple[int, str]]:
    """Where a prompt stands on each channel, and why."""
    return {
        each.channel: (each.state, each.reason)
        for decision in (await explained(person, issued.prompt_id)).decisions
        for nudge in decision.nudges
        if nudge.prompt_id == issued.prompt_id
        for each in nudge.deliveries
    }


async def refusal(call) -> str | None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return reason_of(refused.value)


CALLED_OFF = {"inbox": (SUPPRESSED, "called_off"), "stream": (SUPPRESSED, "called_off")}


async def test_a_cancelled_entry_takes_back_what_waits_what_was_sent_and_what_was_opened(mair, log):
    waiting = a_nudge_decision(nudge="family.healthy-start", outcome=SCHEDULED, due_at=LONG_AFTER)
    unread = a_nudge_decision(nudge="family.best-start-scotland")
    read = a_nudge_decision()
    entry = a_decision(waiting, unread, read, subject=mair.subject)
    async with mair.listening() as stream:
        await decided(mair, log, entry)
        await stream.got(2)
    await eventually(lambda: _holds(mair, 2))
    await mair.open(read.prompt_id)

    ends = [a_call_off(each) for each in (waiting, unread, read)]
    await decided(mair, log, a_later_decision(entry, *ends, withdraws_entry=True))

    assert await stands(mair, waiting) == CALLED_OFF
    assert await stands(mair, unread) == CALLED_OFF
    assert await stands(mair, read) == {
        "inbox": (OPENED, "called_off"),
        "stream": (OPENED, "called_off"),
    }
    assert await mair.inbox() == {read.prompt_id: SUPPRESSED}
    for each in (unread, read):
        for channel in ("inbox", "stream"):
            assert await refusal(mair.open(each.prompt_id, channel)) == "prompt_withdrawn"


async def _holds(person, number: int) -> bool:
    return len(await person.inbox()) == number


async def test_a_call_off_that_comes_first_wins(mair, log):
    issued = a_nudge_decision()
    entry = a_decision(issued, subject=mair.subject)
    async with mair.listening() as stream:
        await decided(mair, log, a_later_decision(entry, a_call_off(issued)), entry)
        marker = a_nudge_decision()
        await decided(mair, log, a_decision(marker, subject=mair.subject))
        assert await stream.got(1) == [marker.prompt_id]

    assert await stands(mair, issued) == CALLED_OFF
    assert await eventually(mair.inbox) == {marker.prompt_id: SENT}


async def test_what_was_called_off_never_comes_back(mair, log):
    issued = a_nudge_decision()
    entry = a_decision(issued, subject=mair.subject)
    await decided(mair, log, entry)
    await eventually(mair.inbox)
    off = a_later_decision(entry, a_call_off(issued))
    again = a_later_decision(entry, issued)

    await decided(mair, log, off, again)

    assert await mair.inbox() == {}
    assert await stands(mair, issued) == CALLED_OFF


async def test_an_amended_entry_is_not_told_again_and_shows_its_new_dates(mair, identity, log):
    identity.give(mair.subject, channels=["inbox"])
    unread = a_nudge_decision(channels=["inbox"])
    read = a_nudge_decision(nudge="family.healthy-start", channels=["inbox"])
    entry = a_decision(unread, read, subject=mair.subject, permission_serial=2)
    await decided(mair, log, entry)
    await eventually(lambda: _holds(mair, 2))
    await mair.open(read.prompt_id)
    identity.give(mair.subject)
    amended = [
        a_nudge_decision(nudge=each.nudge, prompt_id=each.prompt_id, parameters=CORRECTED)
        for each in (unread, read)
    ]

    async with mair.listening() as stream:
        later = a_later_decision(entry, *amended, permission_serial=3, occurred="2026-11-17")
        await decided(mair, log, later)
        marker = a_nudge_decision()
        await decided(mair, log, a_decision(marker, subject=mair.subject, permission_serial=3))
        assert await stream.got(1) == [marker.prompt_id]
        listed = await eventually(lambda: _three(mair))
        opened = [await mair.open(each.prompt_id) for each in (unread, read)]

    assert listed == {unread.prompt_id: SENT, read.prompt_id: OPENED, marker.prompt_id: SENT}
    assert {each.deadline for each in opened if each.deadline} == {"15 February 2027"}
    assert {each.why.facts[0].date for each in opened} == {"17 November 2026"}
    assert set(await stands(mair, unread)) == {"inbox"}


async def _three(person) -> dict[str, int] | None:
    listed = await person.inbox()
    return listed if len(listed) == 3 else None


async def test_an_amended_entry_moves_the_day_a_prompt_is_due_and_its_end(mair, log, around):
    soon, later = NOW + timedelta(days=20_000), NOW + timedelta(days=20_010)
    planned = a_nudge_decision(outcome=SCHEDULED, due_at=soon)
    moved = a_nudge_decision(
        outcome=SCHEDULED, prompt_id=planned.prompt_id, due_at=later, expires_at=later
    )
    entry = a_decision(planned, subject=mair.subject)

    await decided(mair, log, entry, a_later_decision(entry, moved))

    with psycopg.connect(around.database) as connection:
        rows = connection.execute(
            "SELECT DISTINCT not_before, expires_at, state FROM ledger WHERE prompt_id = %s",
            (planned.prompt_id,),
        ).fetchall()
    assert rows == [(later, later, "new")]


async def test_a_first_statement_that_comes_late_leaves_what_its_correction_says(mair, log):
    first = a_nudge_decision()
    corrected = a_nudge_decision(prompt_id=first.prompt_id, parameters=CORRECTED)
    entry = a_decision(first, subject=mair.subject)

    await decided(mair, log, a_later_decision(entry, corrected), entry)
    await eventually(mair.inbox)

    assert "17 November 2026" in (await mair.open(first.prompt_id)).body


async def test_of_two_corrections_at_once_the_later_one_is_shown(mair, log):
    """Both are in one batch, whatever order their ids have."""
    for _ in range(5):
        issued = a_nudge_decision()
        entry = a_decision(issued, subject=mair.subject)
        days = ("2026-11-15", "2026-11-16", "2026-11-17")
        dates = [{**CORRECTED, "occurred": day} for day in days]
        later = [
            a_later_decision(entry, a_nudge_decision(prompt_id=issued.prompt_id, parameters=each))
            for each in dates
        ]

        await asyncio.gather(*(log.decide(each) for each in (entry, *later)))
        await eventually(lambda: _kept(mair, later[-1]))  # noqa: B023  # awaited at once
        await eventually(lambda: _lists(mair, issued))  # noqa: B023  # awaited at once

        assert "17 November 2026" in (await mair.open(issued.prompt_id)).body


async def _kept(person, decision) -> bool:
    return bool((await explained(person, decision.event_id)).decisions)


async def _lists(person, issued) -> bool:
    return issued.prompt_id in await person.inbox()


async def test_a_new_major_takes_the_place_of_the_old_one(mair, log):
    old = a_nudge_decision()
    entry = a_decision(old, subject=mair.subject)
    await decided(mair, log, entry)
    await eventually(mair.inbox)
    new = a_nudge_decision()

    await decided(mair, log, a_later_decision(entry, new))

    assert await stands(mair, old) == CALLED_OFF
    await eventually(lambda: _lists(mair, new))
    assert list(await mair.inbox()) == [new.prompt_id]


async def test_somebody_elses_prompt_of_the_same_entry_stays(mair, replica, identity, log):
    nia = replica.person(new_random_id())
    identity.give(nia.subject)
    mine, theirs = a_nudge_decision(), a_nudge_decision()
    entry = a_decision(mine, subject=mair.subject)
    other = a_decision(theirs, subject=nia.subject, event_id=entry.event_id, role="father")
    await decided(mair, log, entry)
    await decided(nia, log, other)
    await eventually(nia.inbox)

    await decided(mair, log, a_later_decision(entry, a_call_off(mine)))

    assert await stands(mair, mine) == CALLED_OFF
    assert list(await nia.inbox()) == [theirs.prompt_id]


async def test_a_cancelled_entry_takes_back_everybodys_prompts_and_of_every_nudge(
    mair, replica, identity, log
):
    """The cancellation names the mother alone, and one of her nudges is in no catalogue by then."""
    nia, gwen = (replica.person(new_random_id()) for _ in range(2))
    for each in (nia, gwen):
        identity.give(each.subject)
    mine, gone, theirs, late = (a_nudge_decision() for _ in range(4))
    entry = a_decision(mine, gone, subject=mair.subject)
    others = [
        a_decision(nudge, subject=each.subject, event_id=entry.event_id)
        for each, nudge in ((nia, theirs), (gwen, late))
    ]
    await decided(mair, log, entry)
    await decided(nia, log, others[0])
    await eventually(nia.inbox)

    await decided(mair, log, a_later_decision(entry, a_call_off(mine), withdraws_entry=True))
    await decided(gwen, log, others[1])

    assert [await stands(mair, each) for each in (mine, gone)] == [CALLED_OFF, CALLED_OFF]
    assert await stands(nia, theirs) == CALLED_OFF
    assert await stands(gwen, late) == CALLED_OFF
    assert await refusal(nia.open(theirs.prompt_id)) == "prompt_withdrawn"


async def test_a_prompt_that_was_written_while_its_entry_was_withdrawn_is_not_opened(
    mair, log, around
):
    """Two people's decisions are kept side by side: neither saw what the other wrote."""
    issued = a_nudge_decision()
    entry = a_decision(issued, subject=mair.subject)
    await decided(mair, log, entry)
    await eventually(mair.inbox)
    with psycopg.connect(around.database) as connection:
        connection.execute(
            "INSERT INTO withdrawn_entries VALUES (%s, %s, now())", (entry.event_id, "x" * 26)
        )

    assert await refusal(mair.open(issued.prompt_id)) == "prompt_withdrawn"
    assert (await stands(mair, issued))["inbox"] == (SUPPRESSED, "called_off")
    assert await mair.inbox() == {}


async def test_why_names_every_statement_about_the_entry(mair, replica, log):
    issued = a_nudge_decision()
    entry = a_decision(issued, subject=mair.subject)
    amended = a_later_decision(entry, issued, decided_at=NOW + timedelta(hours=1))
    off = a_later_decision(entry, a_call_off(issued), decided_at=NOW + timedelta(hours=2))
    told = [each.event_id for each in (entry, amended, off)]

    await decided(mair, log, entry, amended, off)

    for an_id in (*told, issued.prompt_id):
        assert list((await explained(mair, an_id)).statements) == told
    (nudge,) = (await explained(mair, off.event_id)).decisions[0].nudges
    assert (nudge.outcome, list(nudge.reasons)) == ("cancelled", ["event_cancelled"])
    assert {(each.state, each.reason) for each in nudge.deliveries} == {(SUPPRESSED, "called_off")}
    request = decisions_pb2.ExplainRequest(id=off.event_id)
    assert list((await replica.explain(request)).statements) == told


async def test_whoever_opens_while_the_register_amends_reads_the_old_or_the_new_never_nothing(
    mair, log
):
    issued = a_nudge_decision()
    entry = a_decision(issued, subject=mair.subject)
    await decided(mair, log, entry)
    await eventually(mair.inbox)
    read, done = [], asyncio.Event()

    async def keep_opening() -> None:
        while not done.is_set():
            read.append((await mair.open(issued.prompt_id)).body)

    opening = [asyncio.create_task(keep_opening()) for _ in range(3)]
    days = [f"2026-11-{day:02}" for day in range(1, 18)]
    for day in days:
        dates = {**CORRECTED, "occurred": day}
        nudge = a_nudge_decision(prompt_id=issued.prompt_id, parameters=dates)
        await decided(mair, log, a_later_decision(entry, nudge, occurred=day))
    before = len(read)
    await eventually(lambda: len(read) > before + 6)
    done.set()
    await asyncio.gather(*opening)

    assert "17 November 2026" in read[-1]
    assert len(set(read)) > 3
