"""Every measure of this service, once."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from opentelemetry.metrics import CallbackOptions, Observation

from services.kit.telemetry import meter
from services.notifications.domain.ledger import Channel, State

_METER: Final = meter("joinedup.notifications")
_NAME: Final = "joinedup.notifications"
_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

DECISIONS = _METER.create_counter(
    f"{_NAME}.decisions", "{decision}", "Decisions that were the first for an event and a person."
)
REPEATED_DECISIONS = _METER.create_counter(
    f"{_NAME}.repeated_decisions", "{decision}", "Decisions that came again and changed nothing."
)
DEAD_LETTERS = _METER.create_counter(
    f"{_NAME}.dead_letters", "{record}", "Records that can never be read, by reason."
)
CLAIMS = _METER.create_counter(
    f"{_NAME}.claims", "{prompt}", "Prompts that passed the gate, by channel."
)
CLAIM_SECONDS = _METER.create_histogram(
    f"{_NAME}.claim_seconds",
    "s",
    "How long one gate and claim took.",
    explicit_bucket_boundaries_advisory=_SECONDS,
)
STOPPED = _METER.create_counter(
    f"{_NAME}.stopped", "{prompt}", "Prompts that were stopped, by reason."
)
LAPSED = _METER.create_counter(
    f"{_NAME}.lapsed_claims", "{person}", "People whose claimed prompts were given back unsent."
)
EXPIRED = _METER.create_counter(
    f"{_NAME}.expired", "{prompt}", "Prompts that ended because they were no longer worth showing."
)
FRAMES = _METER.create_counter(
    f"{_NAME}.frames", "{frame}", "Sealed prompts whose write to a device completed."
)
CLOSED_STREAMS = _METER.create_counter(
    f"{_NAME}.closed_streams", "{stream}", "Streams that were closed from this side, by reason."
)
OPENED = _METER.create_counter(
    f"{_NAME}.opened", "{prompt}", "Openings by channel and outcome: opened or refused."
)
FENCES = _METER.create_counter(f"{_NAME}.fences", "{fence}", "Fences, by outcome.")
FENCE_SECONDS = _METER.create_histogram(
    f"{_NAME}.fence_seconds",
    "s",
    "How long a fence took, all waits included.",
    explicit_bucket_boundaries_advisory=_SECONDS,
)
RECALL_SECONDS = _METER.create_histogram(
    f"{_NAME}.recall",
    "s",
    "From the end of a streamed prompt until a device's stream said so.",
    explicit_bucket_boundaries_advisory=[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
)
OUTCOMES = _METER.create_counter(f"{_NAME}.outcomes", "{outcome}", "Outcomes told to the log.")
ACCESS_LINES = _METER.create_counter(
    f"{_NAME}.access_lines", "{line}", "Lines of access logs handed over to identity."
)
LEASES_LOST = _METER.create_counter(
    f"{_NAME}.leases_lost", "{lease}", "Times this process had to stop serving."
)


def dead_letter(reason: str) -> None:
    """Count a record that was set aside."""
    DEAD_LETTERS.add(1, {"joinedup.reason": reason})


def observe_streams(count: Callable[[], int]) -> None:
    """Measure live streams by asking."""

    def ask(_options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(count())

    _METER.create_observable_gauge(
        f"{_NAME}.streams", [ask], "{stream}", "Live streams in this process."
    )


def observe_ledger(counts: Callable[[], Mapping[tuple[Channel, State], int]]) -> None:
    """Measure unfinished ledger rows by asking."""

    def ask(_options: CallbackOptions) -> Iterable[Observation]:
        for (channel, state), number in counts().items():
            yield Observation(
                number, {"joinedup.channel": channel.value, "joinedup.outcome": state.value}
            )

    _METER.create_observable_gauge(
        f"{_NAME}.ledger", [ask], "{prompt}", "Unfinished prompts by channel and state."
    )
