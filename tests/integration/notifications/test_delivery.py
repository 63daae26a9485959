"""From a decision on the log to a prompt in a person's hands; and the first decision wins."""

from __future__ import annotations

import grpc
import pytest

from joinedup.notifications.v1 import decisions_pb2, prompts_pb2
from joinedup.nudges.v1 import decision_pb2
from services.kit.ids import new_random_id
from services.kit.rpc import reason_of
from tests.integration.notifications.running import eventually
from tests.unit.notifications.builders import a_decision, a_nudge_decision

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEW, SENT, DELIVERED, OPENED, SUPPRESSED = (
    prompts_pb2.STATE_NEW,
    prompts_pb2.STATE_SENT,
    prompts_pb2.STATE_DELIVERED,
    prompts_pb2.STATE_OPENED,
    prompts_pb2.STATE_SUPPRESSED,
)


async def test_a_decision_becomes_a_prompt_on_a_device_and_in_the_inbox(replica, identity, log):
    mair = replica.person(new_random_id())
    identity.give(mair.subject)
    nudge = a_nudge_decision()
    async with mair.listening() as stream:
        await log.decide(a_decision(nudge, subject=mair.subject))
        assert await stream.got(1) == [nudge.prompt_id]
        assert await eventually(mair.inbox) == {nudge.prompt_id: SENT}

        # Her token says that she reads Welsh; the request names no language.
        opened = await mair.open(nudge.prompt_id, "stream", "")

    assert opened.title == "Gallwch hawlio Budd-dal Plant"
    assert "18 Tachwedd 2026" in opened.body
    assert opened.controller == "hmrc"
    assert opened.why.facts[0].value == "Cofrestrwyd genedigaeth"
    assert opened.why.controller_name == "Cyllid a Thollau EF"
    assert await mair.inbox() == {nudge.prompt_id: OPENED}


async def test_a_frame_says_nothing_of_what_it_is_about(replica, identity, log):
    mair = replica.person(new_random_id())
    identity.give(mair.subject)
    async with mair.listening() as stream:
        await log.decide(a_decision(subject=mair.subject))
        await stream.got(1)

    frame = stream.frames[0]
    assert frame.line == "Mae gennych neges newydd. You have a new message."
    assert mair.subject not in str(frame)
    assert frame.cursor


async def test_the_trace_goes_on_from_the_event_to_the_device(replica, identity, log):
    mair = replica.person(new_random_id())
    identity.give(mair.subject)
    decision = a_decision(subject=mair.subject)
    async with mair.listening() as stream:
        await log.decide(decision)
        await stream.got(1)
    explained = await mair.explain(decisions_pb2.ExplainRequest(id=decision.event_id))

    trace = stream.frames[0].traceparent.split("-")[1]
    assert len(trace) == 32
    assert explained.trace_id == trace


async def test_the_first_decision_for_an_event_and_a_person_is_the_one(replica, identity, log):
    mair = replica.person(new_random_id())
    identity.give(mair.subject)
    refused = a_nudge_decision(
        outcome=decision_pb2.OUTCOME_SUPPRESSED, prompt_id="", reasons=["no_permission"]
    )
    first = a_decision(refused, subject=mair.subject)
    later = a_decision(subject=mair.subject, event_id=first.event_id)
    after = a_decision(subject=mair.subject)

    for decision in (first, later, after):
        await log.decide(decision)
    await eventually(mair.inbox)

    assert list(await mair.inbox()) == [after.nudges[0].prompt_id]
    explained = await mair.explain(decisions_pb2.ExplainRequest(id=first.event_id))
    (nudge,) = explained.decisions[0].nudges
    assert (nudge.outcome, list(nudge.reasons)) == ("suppressed", ["no_permission"])
    assert not nudge.deliveries


async def test_a_device_confirms_and_a_person_answers(replica, identity, log):
    mair = replica.person(new_random_id())
    identity.give(mair.subject)
    nudge = a_nudge_decision()
    async with mair.listening(confirm=False) as stream:
        await log.decide(a_decision(nudge, subject=mair.subject))
        await stream.got(1)

    received = await mair.respond(nudge.prompt_id, prompts_pb2.RESPONSE_RECEIVED)
    with pytest.raises(grpc.aio.AioRpcError) as unopened:
        await mair.respond(nudge.prompt_id, prompts_pb2.RESPONSE_HELPFUL)
    await mair.open(nudge.prompt_id, "stream")
    helpful = await mair.respond(nudge.prompt_id, prompts_pb2.RESPONSE_HELPFUL)
    again = await mair.open(nudge.prompt_id)

    assert received == DELIVERED
    assert reason_of(unopened.value) == "prompt_not_opened"
    assert helpful == OPENED
    assert again.response == prompts_pb2.RESPONSE_HELPFUL


async def test_somebody_else_s_prompt_is_answered_like_one_that_is_not(replica, identity, log):
    mair, nia = replica.person(new_random_id()), replica.person(new_random_id())
    identity.give(mair.subject)
    nudge = a_nudge_decision()
    await log.decide(a_decision(nudge, subject=mair.subject))
    await eventually(mair.inbox)

    refusals = set()
    for prompt_id in (nudge.prompt_id, new_random_id(), "no id at all"):
        for call in (
            nia.open(prompt_id),
            nia.respond(prompt_id, prompts_pb2.RESPONSE_RECEIVED, "inbox"),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call
            refusals.add((refused.value.code(), refused.value.details(), reason_of(refused.value)))

    assert refusals == {(grpc.StatusCode.NOT_FOUND, "prompt unknown", "prompt_unknown")}
    assert await nia.inbox() == {}


async def test_the_inbox_is_read_in_pages_newest_first(replica, identity, log):
    mair = replica.person(new_random_id())
    identity.give(mair.subject)
    wanted = []
    for _ in range(5):
        decision = a_decision(subject=mair.subject)
        wanted.append(decision.nudges[0].prompt_id)
        await log.decide(decision)
        await eventually(lambda: _holds(mair, len(wanted)))

    pages, token = [], ""
    while True:
        page = await mair.stub.List(prompts_pb2.ListRequest(page_size=2, page_token=token))
        pages.append([entry.prompt_id for entry in page.entries])
        token = page.next_page_token
        if not token:
            break

    assert pages == [wanted[:2:-1], wanted[2:0:-1], wanted[:1]]


async def _holds(person, number: int) -> bool:
    return len(await person.inbox()) == number


async def test_an_operator_sees_every_decision_of_an_event_and_no_person(replica, identity, log):
    mair, nia = new_random_id(), new_random_id()
    identity.give(mair)
    first = a_decision(subject=mair)
    second = a_decision(subject=nia, event_id=first.event_id, role="father")
    await log.decide(first)
    await log.decide(second)
    request = decisions_pb2.ExplainRequest(id=first.event_id)
    await eventually(lambda: _explained(replica, request, 2))

    answer = await replica.explain(request)
    by_prompt = await replica.person(mair).explain(
        decisions_pb2.ExplainRequest(id=first.nudges[0].prompt_id)
    )

    assert [each.number for each in answer.decisions] == [1, 2]
    assert {each.role for each in answer.decisions} == {"mother", "father"}
    assert mair not in str(answer)
    assert nia not in str(answer)
    assert [each.role for each in by_prompt.decisions] == ["mother"]
    with pytest.raises(grpc.aio.AioRpcError) as foreign:
        await replica.person(new_random_id()).explain(request)
    assert reason_of(foreign.value) == "decision_unknown"


async def _explained(replica, request, number: int) -> bool:
    try:
        return len((await replica.explain(request)).decisions) == number
    except grpc.aio.AioRpcError:
        return False


async def test_a_scheduled_prompt_waits_and_can_be_called_off(replica, identity, log):
    mair = replica.person(new_random_id())
    identity.give(mair.subject)
    later = decision_pb2.OUTCOME_SCHEDULED
    due = a_nudge_decision(outcome=later, due_at=None)
    waiting = a_nudge_decision(outcome=later, due_at=a_nudge_decision().expires_at)
    await log.decide(a_decision(due, waiting, subject=mair.subject))
    await eventually(mair.inbox)
    explain = decisions_pb2.ExplainRequest(id=waiting.prompt_id)
    states = [
        each.state for each in (await mair.explain(explain)).decisions[0].nudges[1].deliveries
    ]

    cancelled = a_nudge_decision(outcome=decision_pb2.OUTCOME_CANCELLED, prompt_id="")
    await log.decide(a_decision(cancelled, subject=mair.subject))

    async def called_off() -> bool:
        nudge = (await mair.explain(explain)).decisions[0].nudges[1]
        return {(each.state, each.reason) for each in nudge.deliveries} == {
            (SUPPRESSED, "called_off")
        }

    assert list(await mair.inbox()) == [due.prompt_id]
    assert states == [NEW, NEW]
    await eventually(called_off)


async def test_each_kind_of_outcome_is_told_once(replica, identity, log, outcomes):
    mair = replica.person(new_random_id())
    identity.give(mair.subject)
    nudge, behind = a_nudge_decision(), a_nudge_decision()
    await log.decide(a_decision(nudge, behind, subject=mair.subject))
    await eventually(lambda: _holds(mair, 2))

    for _ in range(2):
        await mair.open(nudge.prompt_id)
        await mair.respond(nudge.prompt_id, prompts_pb2.RESPONSE_DONE, "inbox")
    await mair.open(behind.prompt_id)
    told = [each for each in await outcomes(behind.prompt_id) if each.prompt_id == nudge.prompt_id]

    assert [each.kind for each in told] == [1, 4]
    assert {each.channel for each in told} == {"inbox"}
    assert len({each.outcome_id for each in told}) == 2
