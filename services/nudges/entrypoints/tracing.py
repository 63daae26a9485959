"""A record's part of its trace: processed here, its output sent on."""

from collections.abc import Iterable

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind

from services.kit.telemetry import TRACEPARENT, begin_span, traceparent_of
from services.nudges import wire
from services.nudges.entrypoints.chunk_transport import Chunk, RawRecord
from services.nudges.ports import Decided, RecordOutcome


def start_processing(chunk: Chunk, record: RawRecord) -> Span:
    """The CONSUMER span of a record, child of the context that its headers carry."""
    above = next((text for name, text in record.headers if name == TRACEPARENT and text), b"")
    return begin_span(
        f"{chunk.partition.topic} process",
        SpanKind.CONSUMER,
        {
            "messaging.system": "kafka",
            "messaging.destination.name": chunk.partition.topic,
            "messaging.destination.partition.id": str(chunk.partition.partition),
            "messaging.kafka.offset": record.offset,
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.consumer.group.name": wire.GROUP,
        },
        above.decode("ascii", "replace"),
    )


def describe(span: Span, outcome: RecordOutcome) -> None:
    """What became of the record: ids and codes, nothing of the person."""
    if not span.is_recording():
        return
    if not isinstance(outcome, Decided):
        span.set_attributes({"error.type": "dead_letter", "joinedup.reason": str(outcome.reason)})
        span.set_status(trace.StatusCode.ERROR)
        return
    decision = outcome.decision
    span.set_attributes(
        {
            "joinedup.event_id": decision.event_id,
            "joinedup.event_type": decision.event_type,
            "joinedup.catalogue_revision": decision.catalogue_revision,
        }
    )


def start_sending(
    processing: Span, topic: str, headers: Iterable[tuple[str, bytes]]
) -> tuple[Span, list[tuple[str, bytes]]]:
    """The PRODUCER span of a record's output, and the output's headers with that span in them."""
    sending = begin_span(
        f"{topic} send",
        SpanKind.PRODUCER,
        {
            "messaging.system": "kafka",
            "messaging.destination.name": topic,
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
        },
        traceparent_of(processing),
    )
    kept = [each for each in headers if each[0] != TRACEPARENT]
    return sending, [*kept, (TRACEPARENT, traceparent_of(sending).encode("ascii"))]
