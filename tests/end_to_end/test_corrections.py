"""A register corrects, cancels and restores one entry: the whole platform."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from joinedup.cli.home import Home
from joinedup.cli.operator import Operator
from joinedup.client import Refused
from tests.end_to_end.journey import listening, outcome_of, register_office

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(180)]


def later(body, reason, **data):
    """The same entry, said again for a reason."""
    told = {**body["data"], "reason": reason, "supersedes": body["id"], **data}
    return {**body, "id": f"{body['id']}-{reason}", "data": told}


async def test_an_entry_is_amended_cancelled_and_restored(platform, mother):
    birth = mother.birth()
    a_day_before = date.fromisoformat(birth["data"]["occurred"]) - timedelta(days=1)
    amended = later(birth, "formal_correction", occurred=a_day_before.isoformat())
    cancelled = later(birth, "cancelled", occurred=a_day_before.isoformat())
    restored = later(cancelled, "cancellation_removed")
    async with listening(platform, mother) as (device, choices), register_office(platform) as gro:
        await choices.give("family", "hmrc")
        first = await gro.publish(birth)
        received = await anext(device.prompts())
        before = await device.open(received)

        correction = await gro.publish(amended)
        await outcome_of(platform, correction.event_id)
        after = await device.open(received)

        cancellation = await gro.publish(cancelled)
        called_off = await outcome_of(platform, cancellation.event_id)
        with pytest.raises(Refused, match="prompt_withdrawn"):
            await device.open(received)

        removal = await gro.publish(restored)
        # A stream keeps its order: anything of the correction would come before this.
        renewed = await anext(device.prompts())
        again = await device.open(renewed)

    assert before.body != after.body == again.body
    assert in_words(a_day_before) in after.body
    assert (called_off.outcome, list(called_off.reasons)) == ("cancelled", ["event_cancelled"])
    assert called_off.prompt_id == received.prompt_id != renewed.prompt_id
    told = [each.event_id for each in (first, correction, cancellation)]
    async with Operator(Home(platform.home)) as operator:
        assert list((await operator.explain(received.prompt_id)).statements) == told
        assert list((await operator.explain(removal.event_id)).statements) == [removal.event_id]


async def test_a_correction_that_comes_before_its_entry_is_one_prompt(platform, mother):
    birth = mother.birth()
    async with listening(platform, mother) as (device, choices), register_office(platform) as gro:
        await choices.give("family", "hmrc")
        correction = await gro.publish(later(birth, "typographical"))
        entry = await gro.publish(birth)
        first = await outcome_of(platform, correction.event_id)
        late = await outcome_of(platform, entry.event_id)
        received = await anext(device.prompts())

    assert (first.outcome, first.prompt_id) == ("issued", received.prompt_id)
    assert (late.outcome, list(late.reasons)) == ("suppressed", ["event_replaced"])


async def test_a_fact_that_is_told_again_under_another_id_is_one_prompt(platform, mother):
    birth = mother.birth()
    async with listening(platform, mother) as (device, choices), register_office(platform) as gro:
        await choices.give("family", "hmrc")
        first = await gro.publish(birth)
        again = await gro.publish({**birth, "id": f"{birth['id']}-again"})
        received = await anext(device.prompts())
        repeated = await outcome_of(platform, again.event_id)

    assert received.prompt_id == (await outcome_of(platform, first.event_id)).prompt_id
    assert (repeated.outcome, list(repeated.reasons)) == ("suppressed", ["event_repeated"])


def in_words(day):
    return f"{day.day} {day:%B %Y}"
