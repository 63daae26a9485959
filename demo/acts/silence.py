"""What must not arrive: after the loss of a baby, and after a death."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from demo.acts.opening import request_for
from demo.evidence import Explained, explain
from demo.screens import Screen, screens
from demo.showing.steps import Teller
from demo.stage import Stage
from demo.town.people import Townsperson
from demo.waiting import Unseen, expect
from joinedup.cli.registering import add_accounts
from joinedup.client import Refused

_MOTHERS: Final = range(20, 45)
_ADULT: Final = 18
_NEWBORN_DAYS: Final = 5
_OLDER_DAYS: Final = 80
_LIVED_DAYS: Final = 2
ISSUED: Final = "issued"
SCHEDULED: Final = "scheduled"
_WITHDRAWN: Final = "prompt_withdrawn"


async def a_baby_dies(stage: Stage, tell: Teller) -> str:
    """A newborn dies; what is about that child leaves both parents' screens, nothing else does."""
    couple = await _let_in(stage, _couple(stage))
    now = stage.now
    born, before = ((now - timedelta(days=days)).date() for days in (_NEWBORN_DAYS, _OLDER_DAYS))
    async with screens(stage, couple) as shown:
        await _permit(shown)
        births = [
            stage.registers.birth(*couple, child=child, on=on, now=now)
            for child, on in (("Nia", born), ("Owen", before))
        ]
        told = [await explain(stage.operator, await stage.departments.publish(e)) for e in births]
        newborn, older = (_prompts(each, couple, ISSUED) for each in told)
        for screen in shown:
            await screen.until(shown=len(newborn[screen.person.sub] | older[screen.person.sub]))
        on = born + timedelta(days=_LIVED_DAYS)
        tell.say("A hospital tells that a newborn has died. It knows the day, and no name.")
        acked = await stage.departments.publish(
            stage.registers.loss(couple[0], born=born, on=on, now=stage.now)
        )
        for screen in shown:
            lost, stays = newborn[screen.person.sub], older[screen.person.sub]
            await screen.until(gone=len(lost))
            expect(set(screen.gone_at) == lost, "other prompts than the newborn's were taken back")
            await _cannot_open(screen, lost)
            for prompt_id in stays:
                await screen.device.open(prompt_id)
    lost_prompts = sum(map(len, newborn.values()))
    return (
        f"silent for both parents before the answer after {acked.seconds * 1000:.0f} ms: "
        f"{lost_prompts} prompts about the newborn were taken off their screens, "
        f"{sum(map(len, older.values()))} about the older child can still be read"
    )


async def somebody_dies(stage: Stage, tell: Teller) -> str:
    """A death silences everything; withdrawn as an error, what has time comes back as one."""
    (person,) = await _let_in(stage, [_somebody(stage)])
    async with screens(stage, [person]) as [screen]:
        await _permit([screen])
        moved = await _moves(stage, person)
        unread, planned = (_prompts(moved, [person], o)[person.sub] for o in (ISSUED, SCHEDULED))
        await screen.until(shown=len(unread))
        death = stage.registers.death(person, on=stage.now.date(), now=stage.now)
        acked = await stage.departments.publish(death)
        tell.say("A death is registered. Nothing is left on the screen.")
        await screen.until(gone=len(unread))
        await _cannot_open(screen, unread)
        later = await _moves(stage, person)
        reasons = {r for d in later.answer.decisions for n in d.nudges for r in n.reasons}
        expect(
            not _prompts(later, [person], ISSUED)[person.sub], "something was issued to the dead"
        )
        expect("deceased" in reasons, f"the decisions say {sorted(reasons)}")
        expect(len(screen.shown) == len(unread), "something arrived after the death")
        await stage.departments.publish(stage.registers.in_error(death, now=stage.now))
        await screen.until(shown=len(unread) + 1)
        digest = await screen.device.open(screen.shown[-1])
        back = {part.prompt_id for part in digest.parts}
        expect(
            back and back <= unread | planned, "the message holds something that was not silenced"
        )
    return (
        f"silent before the answer after {acked.seconds * 1000:.0f} ms, {len(unread)} prompts "
        f"taken off the screen; the entry was withdrawn, and {len(back)} came back as one message"
    )


def _couple(stage: Stage) -> list[Townsperson]:
    """A mother and a father of one household, who have no part in the play."""
    others = [each for each in stage.players.others if each.nino and each.nation in {"E", "W"}]
    fathers = {each.household: each for each in others if each.sex == "M" and each.age() >= _ADULT}
    mothers = [
        each
        for each in others
        if each.sex == "F" and each.age() in _MOTHERS and each.household in fathers
    ]
    mother = secrets.choice(mothers)
    return [mother, fathers[mother.household]]


def _somebody(stage: Stage) -> Townsperson:
    adults = [each for each in stage.players.others if each.nino and each.age() >= _ADULT]
    return secrets.choice([each for each in adults if each.nation in {"E", "W"}])


async def _let_in(stage: Stage, people: list[Townsperson]) -> list[Townsperson]:
    await add_accounts(stage.home, [request_for(each) for each in people])
    return people


async def _permit(shown: Iterable[Screen]) -> None:
    """They say yes to everything that is offered."""
    for screen in shown:
        for offer in (await screen.choices.listed()).offers:
            await screen.choices.accept(offer)


async def _moves(stage: Stage, person: Townsperson) -> Explained:
    """A move on a day of which nobody has told yet."""
    for days in random.sample(range(1, 26), 25):
        on = (stage.now - timedelta(days=days)).date()
        sent = stage.registers.move(person, on=on, now=stage.now)
        acked = await stage.departments.publish(sent)
        explained = await explain(stage.operator, acked)
        if not _is_repeated(explained):
            return explained
    raise Unseen("every move of the last weeks was told already")


def _is_repeated(explained: Explained) -> bool:
    said = {r for d in explained.answer.decisions for n in d.nudges for r in n.reasons}
    return "event_repeated" in said


def _prompts(explained: Explained, people: list[Townsperson], outcome: str) -> dict[str, set[str]]:
    """The prompts of an event that were issued, or are planned for later, by sign-in name."""
    found: dict[str, set[str]] = {each.sub: set() for each in people}
    for decision in explained.answer.decisions:
        person = explained.acked.sent.concerned[decision.role]
        found[person.sub] |= {n.prompt_id for n in decision.nudges if n.outcome == outcome}
    return found


async def _cannot_open(screen: Screen, prompts: Iterable[str]) -> None:
    for prompt_id in prompts:
        try:
            await screen.device.open(prompt_id)
        except Refused as refused:
            expect(refused.code == _WITHDRAWN, f"opening answered {refused.code}")
        else:
            raise Unseen("a prompt could be opened that was taken back")
