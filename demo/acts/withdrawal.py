"""The mother says no, and the no holds."""

from __future__ import annotations

from typing import Final

from demo.acts.birth import birth, quiet_until_later, tell_decision
from demo.evidence import Explained, explain, explain_all
from demo.publishing import Record
from demo.showing.steps import Teller
from demo.stage import Stage
from demo.waiting import expect, seen
from joinedup.cli.permissions import moment
from joinedup.client import Choices

MATCHING: Final = 50
_A_SECOND: Final = 25.0
_REASON: Final = "permission_withdrawn"


async def withdraw(stage: Stage, tell: Teller) -> str:
    """She withdraws what the birth's prompts were sent under; each is told when it took effect."""
    mother = stage.players.mother
    opened = stage.fleet[mother.sub].transcript.opened
    story = await explain(stage.operator, stage.told())
    prompts = [nudge.prompt_id for each in story.answer.decisions for nudge in each.nudges]
    rows = sorted(
        {(opened[each].purpose, opened[each].controller) for each in prompts if each in opened}
    )
    expect(rows, "there is nothing to withdraw")
    tell.say(f"[bold]{mother.name} changes her mind[/bold]\n")
    effects = []
    choices = Choices(stage.fleet[mother.sub].session)
    for purpose, controller in rows:
        answer = await choices.withdraw(purpose, controller)
        expect(answer.HasField("took_effect_at"), f"{answer.outstanding} places had not confirmed")
        effects.append(f"{purpose} {controller} at {moment(answer.took_effect_at)}")
        tell.say(
            f"She no longer permits {purpose} to {controller}: "
            f"this took effect at {moment(answer.took_effect_at)}."
        )
    return f"took effect: {', '.join(effects)}"


async def one_more_birth(stage: Stage, tell: Teller) -> str:
    """Another birth is registered; it is decided, and nothing arrives."""
    mark = _mark(stage)
    acked = await stage.departments.publish(birth(stage, "Elin"))
    tell.say("Then a second birth is registered, and published like the first.")
    explained = await explain(stage.operator, acked)
    tell_decision(explained, tell)
    _suppressed(await explain(stage.operator, stage.told()), [explained])
    await quiet_until_later(stage, mark)
    return "the next birth was suppressed; nothing arrived"


async def it_holds(stage: Stage) -> str:
    """Fifty matching events, all decided as suppressed; no frame reaches the device."""
    mark = _mark(stage)
    events = [birth(stage, f"Child{number}") for number in range(MATCHING)]
    record = Record()
    await stage.departments.publish_all(events, a_second=_A_SECOND, record=record)
    expect(len(record.acked) == MATCHING, f"not all were taken: {dict(record.failed)}")
    await seen(stage.lag.none, "no lag", seconds=60)
    explained = await explain_all(stage.operator, record.acked)
    count = _suppressed(await explain(stage.operator, stage.told()), explained)
    await quiet_until_later(stage, mark)
    return (
        f"{MATCHING} events published, lag 0, {count} decisions stand as suppressed "
        f"({_REASON}), no frame reached the device"
    )


def _mark(stage: Stage) -> int:
    return len(stage.fleet[stage.players.mother.sub].transcript.frames)


def _suppressed(story: Explained, explained: list[Explained]) -> int:
    """What the first birth was issued is now suppressed for the withdrawal, in each decision."""
    issued = {
        nudge.nudge
        for decision in story.answer.decisions
        for nudge in decision.nudges
        if nudge.outcome == "issued"
    }
    for each in explained:
        for decision in each.answer.decisions:
            stands = {nudge.nudge: nudge for nudge in decision.nudges}
            for name in issued:
                nudge = stands[name]
                expect(nudge.outcome == "suppressed", f"{name} is {nudge.outcome}")
                expect(_REASON in nudge.reasons, f"{name} says {list(nudge.reasons)}")
            others = [nudge.nudge for nudge in decision.nudges if nudge.outcome == "issued"]
            expect(not others, f"issued all the same: {others}")
    return sum(len(each.answer.decisions) for each in explained)
