"""Every decision and its why, for the person it is about or for an operator who sees nobody."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.notifications.domain.decision import Decision, NudgeDecision
from services.notifications.domain.ledger import Channel, State


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a prompt stands on one channel, since when, and why if it was stopped."""

    prompt_id: str
    channel: Channel
    state: State
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """A decision as it is kept, with the trace of the journey that brought it."""

    decision: Decision
    traceparent: str


@dataclass(frozen=True, slots=True)
class ExplainedDecision:
    """One person's decision; the number stands for the person and means nothing else."""

    number: int
    decision: Decision
    nudges: tuple[tuple[NudgeDecision, tuple[Delivery, ...]], ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why and why not, for one event; `statements` are the events that speak of its entry."""

    event_id: str
    event_type: str
    recorded_at: datetime
    decisions: tuple[ExplainedDecision, ...]
    trace_id: str
    statements: tuple[str, ...]


def explain(
    kept: Sequence[Kept], deliveries: Iterable[Delivery], statements: Iterable[str]
) -> Explanation:
    """The explanation of one event; `kept` holds at least one decision, in a stable order."""
    by_prompt: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        by_prompt.setdefault(delivery.prompt_id, []).append(delivery)
    first = kept[0]
    return Explanation(
        event_id=first.decision.event_id,
        event_type=first.decision.event_type,
        recorded_at=first.decision.recorded_at,
        decisions=tuple(
            ExplainedDecision(number, each.decision, _nudges(each.decision, by_prompt))
            for number, each in enumerate(kept, start=1)
        ),
        trace_id=trace_id_of(first.traceparent),
        statements=tuple(statements),
    )


def trace_id_of(traceparent: str) -> str:
    """The trace id of a W3C traceparent when it was sampled, else nothing."""
    parts = traceparent.split("-")
    sampled = len(parts) == 4 and parts[3][-1:] in set("13579bdf")  # noqa: PLR2004  # W3C's four fields
    return parts[1] if sampled else ""


def _nudges(
    decision: Decision, by_prompt: Mapping[str, list[Delivery]]
) -> tuple[tuple[NudgeDecision, tuple[Delivery, ...]], ...]:
    return tuple(
        (nudge, tuple(by_prompt.get(nudge.prompt_id, ()) if nudge.prompt_id else ()))
        for nudge in decision.nudges
    )
