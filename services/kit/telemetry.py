"""Traces, metrics and log lines of a process, started once, and the trace's way through headers."""

import functools
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from opentelemetry import metrics, propagate, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.propagators import textmap
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from services.kit import log_lines
from services.kit.telemetry_attributes import ALLOWED_ATTRIBUTES, ScrubbingExporter, resource

TRACEPARENT: Final = "traceparent"
EXPORT_TIMEOUT_SECONDS: Final = 5.0

# Of every instrument: an attribute that is not on the list is dropped, its counts are kept.
VIEWS: Final = (View(instrument_name="*", attribute_keys=set(ALLOWED_ATTRIBUTES)),)
_W3C = TraceContextTextMapPropagator()


class TraceparentOnly(textmap.TextMapPropagator):
    """W3C trace context without `tracestate` and without baggage.

    Both would carry a stranger's text through every call and record of ours.
    """

    def extract(
        self,
        carrier: textmap.CarrierT,
        context: Context | None = None,
        getter: textmap.Getter[textmap.CarrierT] = textmap.default_getter,
    ) -> Context:
        """The context a carrier brings."""
        found = getter.get(carrier, TRACEPARENT)
        return _W3C.extract({TRACEPARENT: found[0]} if found else {}, context)

    def inject(
        self,
        carrier: textmap.CarrierT,
        context: Context | None = None,
        setter: textmap.Setter[textmap.CarrierT] = textmap.default_setter,
    ) -> None:
        """Write the current context into a carrier."""
        box: dict[str, str] = {}
        _W3C.inject(box, context)
        if TRACEPARENT in box:
            setter.set(carrier, TRACEPARENT, box[TRACEPARENT])

    @property
    def fields(self) -> set[str]:
        """The one header it writes."""
        return {TRACEPARENT}


@dataclass(frozen=True)
class Telemetry:
    """A process's running telemetry."""

    traces: TracerProvider
    measures: MeterProvider

    def flush(self) -> None:
        """Send what is waiting; for tests and the end of a short program."""
        self.traces.force_flush()

    def shutdown(self) -> None:
        """Send what is waiting, then stop; takes at most a few seconds."""
        self.traces.shutdown()
        self.measures.shutdown()


class _Started:
    telemetry: Telemetry | None = None


def start(
    service: str,
    *,
    otlp_endpoint: str | None,
    sample_ratio: float,
    instance: str,
    environment: str,
    log_level: str = "info",
    exporter: SpanExporter | None = None,
) -> Telemetry:
    """Start once a process; a second call answers the first one's telemetry.

    Spans go to `<otlp_endpoint>/v1/traces` (and to `exporter`, at once, where one is given);
    metrics wait in the registry that the probe serves.
    """
    if _Started.telemetry is not None:
        return _Started.telemetry
    log_lines.configure(service, log_level)
    about = resource(service, instance, environment)
    traces = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(sample_ratio)),
        resource=about,
        shutdown_on_exit=False,
    )
    if otlp_endpoint:
        address = f"{otlp_endpoint.rstrip('/')}/v1/traces"
        otlp = OTLPSpanExporter(endpoint=address, timeout=EXPORT_TIMEOUT_SECONDS)
        traces.add_span_processor(
            BatchSpanProcessor(ScrubbingExporter(otlp), schedule_delay_millis=1_000)
        )
    if exporter is not None:
        traces.add_span_processor(SimpleSpanProcessor(ScrubbingExporter(exporter)))
    measures = MeterProvider(
        metric_readers=[PrometheusMetricReader()],
        resource=about,
        shutdown_on_exit=False,
        views=VIEWS,
    )
    trace.set_tracer_provider(traces)
    metrics.set_meter_provider(measures)
    propagate.set_global_textmap(TraceparentOnly())
    _Started.telemetry = Telemetry(traces, measures)
    return _Started.telemetry


@functools.cache
def tracer(name: str) -> trace.Tracer:
    """The tracer of a module; made once, because making one costs as much as a span."""
    return trace.get_tracer(name)


def meter(name: str) -> metrics.Meter:
    """The meter of a module."""
    return metrics.get_meter(name)


def log(name: str) -> logging.Logger:
    """The logger of a module: a constant event first, allow-listed fields in `extra=`."""
    return logging.getLogger(name)


def current_traceparent() -> str:
    """The current context as a W3C traceparent; empty outside a trace."""
    box: dict[str, str] = {}
    _W3C.inject(box)
    return box.get(TRACEPARENT, "")


def begin_span(
    name: str, kind: SpanKind, attributes: Mapping[str, AttributeValue], traceparent: str
) -> Span:
    """A span that is nobody's current one, in the trace of a traceparent; its maker ends it.

    For many pieces of work at once. A traceparent that is none begins a trace. Where the trace is
    not recorded nothing is made: what comes back only hands the traceparent on.
    """
    parent = context_from(traceparent)
    above = trace.get_current_span(parent)
    if _is_unrecorded(above):
        return above
    return tracer("services.kit").start_span(
        name, parent, kind, dict(attributes), record_exception=False
    )


def traceparent_of(current: Span) -> str:
    """A span as the parent of what comes after it."""
    about = current.get_span_context()
    return f"00-{about.trace_id:032x}-{about.span_id:016x}-{about.trace_flags:02x}"


def context_from(source: Iterable[tuple[str, bytes]] | str | None) -> Context:
    """The context that a record's headers, or a traceparent, carry; empty if they carry none.

    Text that is no traceparent counts as none.
    """
    if source is None or isinstance(source, str):
        return _W3C.extract({TRACEPARENT: source or ""}, Context())
    for name, value in source:
        if name == TRACEPARENT and value is not None:
            return _W3C.extract({TRACEPARENT: value.decode("ascii", "replace")}, Context())
    return Context()


@contextmanager
def within(traceparent: str) -> Iterator[None]:
    """Be in the trace that a traceparent names, for work done on behalf of a request."""
    token = attach(context_from(traceparent))
    try:
        yield
    finally:
        detach(token)


@contextmanager
def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, AttributeValue] | None = None,
    context: Context | None = None,
) -> Iterator[Span]:
    """A current span; an exception marks it with its class, never with its words."""
    with tracer("services.kit").start_as_current_span(
        name,
        context=context,
        kind=kind,
        attributes=dict(attributes or {}),
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except Exception as raised:
            fail(current, type(raised).__qualname__)
            raise


@contextmanager
def consumer_span(
    name: str,
    headers: Iterable[tuple[str, bytes]],
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Iterator[Span]:
    """A current CONSUMER span whose parent is the record's context.

    Parent, not link: the trace viewer knows no links, and would show two traces. Where the record's
    trace is not recorded, no span is made; its context is current all the same.
    """
    parent = context_from(headers)
    above = trace.get_current_span(parent)
    if _is_unrecorded(above):
        token = attach(parent)
        try:
            yield above
        finally:
            detach(token)
        return
    with span(name, SpanKind.CONSUMER, attributes, parent) as current:
        yield current


def _is_unrecorded(above: Span) -> bool:
    """Whether a span is in a trace that somebody decided not to record."""
    about = above.get_span_context()
    return about.is_valid and not about.trace_flags.sampled


def fail(current: Span, error_type: str) -> None:
    """Mark a span as failed with a code or an exception's class."""
    current.set_attribute("error.type", error_type)
    current.set_status(Status(StatusCode.ERROR))
