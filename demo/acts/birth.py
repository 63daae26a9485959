"""One birth, step by step: from the register to the mother's device, and its one trace."""

from __future__ import annotations

import copy
import random
from datetime import timedelta
from typing import Final

from google.protobuf.json_format import MessageToDict
from rich.markup import escape

from demo.departments import Sent
from demo.evidence import Explained, Issued, explain, issued_to, missing
from demo.publishing import Acked
from demo.showing.steps import Teller
from demo.stage import Stage
from demo.traces import JOURNEY
from demo.waiting import Unseen, expect, seen
from joinedup.cli import words
from joinedup.cli.listening import in_words
from joinedup.cli.permissions import moment
from joinedup.client import Refused

CHILD = "Ada"
_DAYS: Final = 25


async def step_by_step(stage: Stage, tell: Teller) -> str:
    """A birth is registered, and its prompt is read on the mother's device."""
    mother = stage.players.mother
    tell.say(f"\n[bold]One birth, step by step[/bold]\n\n{mother.name} has a daughter, {CHILD}.")
    acked = stage.story = await stage.departments.publish(birth(stage, CHILD))
    sent = acked.sent.event
    tell.say(f"The General Register Office publishes event [bold]{sent['id']}[/bold].")
    tell.say(
        f"It is on the log after {acked.seconds * 1000:.0f} ms, "
        f"as event [bold]{acked.receipt.event_id}[/bold]: without her name, without a number."
    )
    explained = await explain(stage.operator, acked)
    tell_decision(explained, tell)
    issued = await delivered(stage, [explained])
    transcript = stage.fleet[mother.sub].transcript
    for each in issued:
        after = (transcript.openable_at[each.prompt_id] - acked.began) * 1000
        tell.say(f"\nAfter {after:.0f} ms her device has it, sealed. She opens it and reads:\n")
        opened = MessageToDict(transcript.opened[each.prompt_id], preserving_proto_field_name=True)
        for line in in_words(opened):
            tell.say(f"    {line}")
    trace_id = explained.answer.trace_id
    tell.say(f"\nThe whole journey as one trace: {stage.traces.link(trace_id)}\n")
    names = ", ".join(each.nudge for each in issued)
    return f"event {acked.receipt.event_id}: {names} opened on the mother's device"


async def one_trace(stage: Stage) -> str:
    """The journey stands as one trace, from the department over every service to the device."""
    explained = await explain(stage.operator, stage.told())
    trace_id = explained.answer.trace_id
    expect(trace_id, "the event's journey has no trace")
    try:
        trace = await seen(lambda: stage.traces.whole(trace_id), "a whole trace")
    except Unseen:
        part = await stage.traces.read(trace_id)
        if part is None:
            raise
        lost = sorted(JOURNEY - part.services)
        text = f"missing {lost}, {part.roots} roots, orphans {part.orphans[:5]}"
        raise Unseen(f"trace {trace_id} of {len(part.spans)} spans: {text}") from None
    return (
        f"{len(trace.spans)} spans over {', '.join(sorted(trace.services))}; one root, no orphan; "
        f"{stage.traces.link(trace_id)}"
    )


async def same_again(stage: Stage) -> str:
    """The register sends the same event again: it is told so, and nothing reaches anybody."""
    first = stage.told()
    before = await explain(stage.operator, first)
    mark = len(stage.fleet[stage.players.mother.sub].transcript.frames)
    again = await stage.departments.publish(first.sent)
    expect(again.receipt.duplicate, "the platform took it for a new event")
    expect(again.receipt.event_id == first.receipt.event_id, "it got another event id")
    await quiet_until_later(stage, mark)
    after = await explain(stage.operator, first)
    expect(len(after.answer.decisions) == len(before.answer.decisions), "it was decided again")
    return "answered as a duplicate under the same id; no decision, no frame"


async def refused(stage: Stage) -> str:
    """An event with a field that its type does not have is refused, saying where."""
    sent = birth(stage, CHILD)
    event = copy.deepcopy(sent.event)
    event["data"]["facts"]["favourite_colour"] = "green"
    try:
        await stage.departments.publish(Sent(sent.publisher, event, sent.concerned))
    except Refused as answer:
        expect(answer.status == 422, f"the answer was {answer.status} {answer.code}")  # noqa: PLR2004  # unprocessable
        where = [each.pointer for each in answer.errors if each.code == "field_unknown"]
        expect(where == ["/data/facts/favourite_colour"], f"it said {answer.errors}")
        expect("green" not in str(answer), "the answer repeats the value")
        return f"422 {answer.code} at {where[0]}"
    raise Unseen("the platform took an event with an unknown field")


def birth(stage: Stage, child: str) -> Sent:
    """A birth to the mother of the story."""
    on = (stage.now - timedelta(days=3)).date()
    return stage.registers.birth(stage.players.mother, None, child=child, on=on, now=stage.now)


async def delivered(stage: Stage, explained: list[Explained]) -> list[Issued]:
    """Wait until every prompt of these events was opened on its device; there is at least one."""
    issued = issued_to(explained, [each.sub for each in stage.players.listening])
    expect(issued, "no prompt was issued")
    await stage.fleet.board.until(
        lambda: not missing(issued, stage.fleet.transcripts), "every prompt opened on its device"
    )
    return issued


async def quiet_until_later(stage: Stage, mark: int) -> Acked:
    """Nothing reaches the mother's device between `mark` and the prompts of a later event.

    A stream keeps its order, so what had been let through earlier would stand before them.
    """
    mother = stage.players.mother
    later = await _moved_again(stage)
    issued = await delivered(stage, [later])
    frames = stage.fleet[mother.sub].transcript.frames[mark:]
    strangers = {prompt for prompt, _ in frames} - {each.prompt_id for each in issued}
    expect(not strangers, f"a frame came that should not have: {sorted(strangers)[:3]}")
    return later.acked


async def _moved_again(stage: Stage) -> Explained:
    """A move of the mother's that is news: the same fact told twice prompts nobody again."""
    mother = stage.players.mother
    for days in random.sample(range(1, _DAYS + 1), _DAYS):
        on = (stage.now - timedelta(days=days)).date()
        sent = stage.registers.move(mother, on=on, now=stage.now)
        explained = await explain(stage.operator, await stage.departments.publish(sent))
        if issued_to([explained], [mother.sub]):
            return explained
    raise Unseen(f"a move was told of on each of the last {_DAYS} days: `make clean` forgets them")


def tell_decision(explained: Explained, tell: Teller) -> None:
    """Tell each decision in plain words."""
    for decision in explained.answer.decisions:
        tell.say(f"{moment(decision.decided_at)}  decided for the {decision.role}:")
        for nudge in decision.nudges:
            why = "; ".join(words.reason(each) for each in nudge.reasons)
            because = f", because {escape(why)}" if why else ""
            meaning = words.outcome(nudge.outcome)
            tell.say(f"    [bold]{nudge.nudge}[/bold] {nudge.version}: {meaning}{because}")
