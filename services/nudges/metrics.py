"""Every instrument of this service: what is counted at the edge from what was decided."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from services.kit.telemetry import meter
from services.nudges.ports import Decided, RecordOutcome, SetAside

_METER: Final = meter("joinedup.nudges")

_decisions = _METER.create_counter(
    "joinedup.nudges.decisions", "{decision}", "Nudges decided, by outcome and first reason"
)
_set_aside = _METER.create_counter(
    "joinedup.nudges.dead_letters", "{record}", "Records that can never be decided, by reason"
)
_chunk_sizes = _METER.create_histogram(
    "joinedup.nudges.chunk_size",
    "{record}",
    "Records in a chunk",
    explicit_bucket_boundaries_advisory=[1, 2, 5, 10, 50, 100, 500, 1000, 2000],
)
_delays = _METER.create_histogram(
    "joinedup.nudges.decision_delay",
    "s",
    "From admission to decision",
    explicit_bucket_boundaries_advisory=[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 30, 300],
)
_lookups = _METER.create_counter(
    "joinedup.nudges.permission_lookups", "{set}", "Permission sets needed, by where they were"
)
_skipped = _METER.create_counter(
    "joinedup.nudges.permission_records_skipped",
    "{record}",
    "Records of permissions.v1 that cannot be read, by reason",
)
_lag = _METER.create_gauge(
    "joinedup.nudges.lag", "{record}", "Records of life-events.v1 not yet decided"
)


def chunk_decided(outcomes: Iterable[RecordOutcome]) -> None:
    """Count a chunk that was decided."""
    nudges: Counter[tuple[str, str, str]] = Counter()
    poison: Counter[str] = Counter()
    records = 0
    for outcome in outcomes:
        records += 1
        if isinstance(outcome, SetAside):
            poison[outcome.reason] += 1
            continue
        _delay(outcome.decision.recorded_at, outcome.decision.decided_at)
        nudges.update(_labels(outcome))
    _chunk_sizes.record(records)
    for (nudge, became, reason), count in nudges.items():
        labels = {"joinedup.nudge": nudge, "joinedup.outcome": became, "joinedup.reason": reason}
        _decisions.add(count, labels)
    for reason, count in poison.items():
        _set_aside.add(count, {"joinedup.reason": reason})


def permission_lookups(*, view: int, snapshot: int) -> None:
    """Count sets that the view had, and sets that identity was asked for."""
    if view:
        _lookups.add(view, {"joinedup.outcome": "view"})
    if snapshot:
        _lookups.add(snapshot, {"joinedup.outcome": "snapshot"})


def permission_records_skipped(reason: str) -> None:
    """Count a record of permissions.v1 that cannot be read."""
    _skipped.add(1, {"joinedup.reason": str(reason)})


def lag(records: int) -> None:
    """Note how far behind the worker is."""
    _lag.set(records)


def _delay(recorded_at: datetime, decided_at: datetime) -> None:
    _delays.record(max(0.0, (decided_at - recorded_at).total_seconds()))


def _labels(outcome: Decided) -> list[tuple[str, str, str]]:
    return [
        (each.nudge, str(each.outcome), str(each.reasons[0]) if each.reasons else "")
        for each in outcome.decision.nudges
    ]
