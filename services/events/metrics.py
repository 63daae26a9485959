"""Every instrument of this service: what is counted at the door and on the log."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from services.events.domain.admission import Receipt
from services.events.domain.errors import EventsError, Unavailable
from services.kit.telemetry import meter

_METER: Final = meter("joinedup.events")

_admissions = _METER.create_counter(
    "joinedup.events.admissions",
    "{event}",
    "Events that asked to come in, by outcome (admitted, duplicate, refused, unavailable)",
)
_durations = _METER.create_histogram(
    "joinedup.events.admission_duration",
    "s",
    "From an authenticated request to its answer",
    explicit_bucket_boundaries_advisory=[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
)
_decided = _METER.create_counter(
    "joinedup.events.decisions_seen", "{record}", "Records of decisions.v1 counted"
)
_set_aside = _METER.create_counter(
    "joinedup.events.dead_letters", "{record}", "Records that can never be read, by reason"
)
_inbound_age = _METER.create_gauge(
    "joinedup.events.inbound_age",
    "s",
    "How long the oldest unanswered record of a publisher's own topic waits; 0 when none does",
)
_problems = _METER.create_gauge(
    "joinedup.events.catalogue_problems", "{problem}", "Faults in the files not in force"
)


def admissions(answers: Iterable[Receipt | EventsError], seconds: float) -> None:
    """Count answers that came after as many seconds; the reason is empty for what came in."""
    counts = Counter(map(_outcome, answers))
    for (outcome, reason), count in counts.items():
        _admissions.add(count, {"joinedup.outcome": outcome, "joinedup.reason": reason})
        # One duration for all that were answered together with the same outcome.
        _durations.record(seconds, {"joinedup.outcome": outcome})


def _outcome(answer: Receipt | EventsError) -> tuple[str, str]:
    if isinstance(answer, Receipt):
        return "duplicate" if answer.duplicate else "admitted", ""
    return "unavailable" if isinstance(answer, Unavailable) else "refused", answer.reason


def decisions_seen(records: int) -> None:
    """Count decisions."""
    _decided.add(records)


def set_aside(reason: str) -> None:
    """Count a dead letter."""
    _set_aside.add(1, {"joinedup.reason": reason})


def inbound_age(publisher: str, seconds: float) -> None:
    """Note how long a publisher's record has waited that is being worked on; 0 when none is."""
    _inbound_age.set(seconds, {"joinedup.publisher": publisher})


def catalogue_problems(count: int) -> None:
    """Note how many faults keep changed files from coming into force; 0 is well."""
    _problems.set(count)
