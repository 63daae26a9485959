"""From a department's event to a prompt on a device, and a no that holds: the whole platform."""

from __future__ import annotations

import contextlib

import pytest

from demo.waiting import seen
from joinedup.cli.home import Home
from joinedup.cli.operator import Operator
from joinedup.client import AsyncPublisher, Choices, Device, PersonSession, Refused
from tests.end_to_end.people import Parent, write

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(180)]

CHILD_BENEFIT = "family.child-benefit"


@pytest.fixture
def mother(joinedup, tmp_path):
    """A mother who is registered and has permitted HMRC to help her family."""
    mother = Parent()
    added = joinedup("people", "add", write(tmp_path, "people.jsonl", mother.line()), "--json")
    assert added.document == {"registered": 1, "existing": 0, "failed": []}
    return mother


@contextlib.asynccontextmanager
async def listening(platform, mother):
    """Her device, and her choices."""
    endpoints = platform.endpoints
    async with (
        PersonSession(
            mother.sub, sign_in_url=endpoints["sign_in"], identity=endpoints["identity_grpc"]
        ) as session,
        Device(session, notifications=endpoints["notifications_grpc"]) as device,
    ):
        yield device, Choices(session)


@contextlib.asynccontextmanager
async def register_office(platform):
    """The General Register Office, with its own key."""
    key = Home(platform.home).publisher_key("gro")
    url = platform.endpoints["events_http"]
    async with AsyncPublisher("gro", key=key, url=url) as gro:
        yield gro


async def outcome_of(platform, event_id):
    """What was decided about Child Benefit for the mother, once it was."""

    async with Operator(Home(platform.home)) as operator:

        async def ask():
            with contextlib.suppress(Refused):
                answer = await operator.explain(event_id)
                for decision in answer.decisions:
                    return next(each for each in decision.nudges if each.nudge == CHILD_BENEFIT)
            return None

        return await seen(ask, "a decision", seconds=60)


async def test_a_birth_becomes_a_prompt_on_the_mothers_device(platform, mother):
    async with listening(platform, mother) as (device, choices), register_office(platform) as gro:
        await choices.give("family", "hmrc")
        receipt = await gro.publish(mother.birth())
        received = await anext(device.prompts())
        english = await device.open(received)
        welsh = await device.open(received, language="cy")

    assert not receipt.duplicate
    assert "Child Benefit" not in received.line
    assert english.title == "You can claim Child Benefit"
    assert welsh.title == "Gallwch hawlio Budd-dal Plant"
    assert english.why.rule
    assert welsh.why.rule
    assert (english.purpose, english.controller) == ("family", "hmrc")


async def test_without_permission_nothing_is_sent(platform, mother):
    async with register_office(platform) as gro:
        receipt = await gro.publish(mother.birth())

    decided = await outcome_of(platform, receipt.event_id)

    assert decided.outcome == "suppressed"
    assert list(decided.reasons) == ["no_permission"]
    assert not decided.deliveries


async def test_what_waited_is_not_opened_after_a_no(platform, mother):
    async with listening(platform, mother) as (device, choices), register_office(platform) as gro:
        await choices.give("family", "hmrc")
        await gro.publish(mother.birth())
        received = await anext(device.prompts())
        withdrawn = await choices.withdraw("family", "hmrc")

        assert withdrawn.HasField("took_effect_at")
        with pytest.raises(Refused):
            await device.open(received)


async def test_a_no_holds_for_what_comes_later_even_after_another_yes(platform, mother):
    async with listening(platform, mother) as (device, choices), register_office(platform) as gro:
        await choices.give("family", "hmrc")
        await choices.withdraw("family", "hmrc")
        refused = await gro.publish(mother.birth())
        decided = await outcome_of(platform, refused.event_id)
        await choices.give("family", "hmrc")
        later = await gro.publish(mother.birth())
        # A stream keeps its order: anything of the first birth would come before this.
        received = await anext(device.prompts())

    assert decided.outcome == "suppressed"
    assert list(decided.reasons) == ["permission_withdrawn"]
    assert received.prompt_id == (await outcome_of(platform, later.event_id)).prompt_id
