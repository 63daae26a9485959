"""From a department's event to a prompt on a device, and a no that holds: the whole platform."""

from __future__ import annotations

import pytest

from joinedup.client import Refused
from tests.end_to_end.journey import listening, outcome_of, register_office

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(180)]


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
