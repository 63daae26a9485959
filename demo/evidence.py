"""What the platform itself says became of the events: the evidence that the play is judged by."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from demo.devices import Transcript
from demo.publishing import Acked
from demo.waiting import seen
from joinedup.cli.operator import Operator
from joinedup.client import Refused, Unavailable
from joinedup.notifications.v1 import decisions_pb2 as pb
from joinedup.notifications.v1.prompts_pb2 import STATE_OPENED

_AT_ONCE: Final = 8
_STREAM: Final = "stream"


@dataclass(frozen=True, slots=True)
class Explained:
    """An event taken, and every decision that stands about it."""

    acked: Acked
    answer: pb.ExplainResponse


@dataclass(frozen=True, slots=True)
class Issued:
    """A prompt that a listening person must have got."""

    sub: str
    prompt_id: str
    nudge: str
    opened: bool
    acked: Acked


async def explain(operator: Operator, acked: Acked, *, seconds: float = 60.0) -> Explained:
    """Wait until every concerned person's decision stands; raises Unseen."""

    async def ask() -> pb.ExplainResponse | None:
        try:
            answer = await operator.explain(acked.receipt.event_id)
        except (Refused, Unavailable):
            return None
        return answer if len(answer.decisions) == len(acked.sent.concerned) else None

    what = f"a decision for each person of event {acked.receipt.event_id}"
    return Explained(acked, await seen(ask, what, seconds=seconds))


async def explain_all(
    operator: Operator, events: Iterable[Acked], *, seconds: float = 60.0
) -> list[Explained]:
    """The same for many, a few at once."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(acked: Acked) -> Explained:
        async with slots:
            return await explain(operator, acked, seconds=seconds)

    return list(await asyncio.gather(*(one(each) for each in events)))


def issued_to(explained: Iterable[Explained], subs: Iterable[str]) -> list[Issued]:
    """The prompts that should stand on the devices of these people."""
    wanted = set(subs)
    found = []
    for each in explained:
        for decision in each.answer.decisions:
            person = each.acked.sent.concerned[decision.role]
            if person.sub in wanted:
                found += [
                    Issued(person.sub, nudge.prompt_id, nudge.nudge, _opened(nudge), each.acked)
                    for nudge in decision.nudges
                    if nudge.outcome == "issued" and _streamed(nudge)
                ]
    return found


def owners(explained: Iterable[Explained]) -> dict[str, str]:
    """Whose each prompt is: prompt id → sign-in name, over everyone these events concern."""
    return {
        nudge.prompt_id: each.acked.sent.concerned[decision.role].sub
        for each in explained
        for decision in each.answer.decisions
        for nudge in decision.nudges
        if nudge.prompt_id
    }


def missing(issued: Iterable[Issued], transcripts: Mapping[str, Transcript]) -> list[Issued]:
    """Prompts that were not both shown and opened on their device."""
    return [
        each
        for each in issued
        if each.prompt_id not in transcripts[each.sub].shown
        or each.prompt_id not in transcripts[each.sub].opened
    ]


def openable_ms(issued: Iterable[Issued], transcripts: Mapping[str, Transcript]) -> list[float]:
    """From the moment of publishing to the moment the device could open it, in milliseconds."""
    found = []
    for each in issued:
        at = transcripts[each.sub].openable_at.get(each.prompt_id)
        if at is not None:
            found.append((at - each.acked.began) * 1000)
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share of all do not exceed; 0 when there are none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def latency(acks: Sequence[float], openable: Sequence[float]) -> dict[str, float]:
    """The figures of a result file, from milliseconds."""
    return {
        "ack_p50": round(percentile(acks, 0.5), 1),
        "ack_p99": round(percentile(acks, 0.99), 1),
        "openable_p50": round(percentile(openable, 0.5), 1),
        "openable_p99": round(percentile(openable, 0.99), 1),
    }


def _streamed(nudge: pb.ExplainedNudge) -> bool:
    return any(each.channel == _STREAM for each in nudge.deliveries)


def _opened(nudge: pb.ExplainedNudge) -> bool:
    return any(each.channel == _STREAM and each.state == STATE_OPENED for each in nudge.deliveries)
