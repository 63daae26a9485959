"""Spans of the caller's side, where OpenTelemetry is installed and set up; else nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal

try:
    from opentelemetry import trace
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError:  # pragma: no cover - the client works without it
    INSTALLED = False
else:
    INSTALLED = True
    _W3C = TraceContextTextMapPropagator()

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

TRACEPARENT: Final = "traceparent"


class Tracing:
    """Makes spans and hands their context on; the given provider, else the program's own."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._tracer = (
            trace.get_tracer("joinedup.client", tracer_provider=provider) if INSTALLED else None
        )

    @contextmanager
    def span(
        self,
        name: str,
        kind: Literal["CLIENT", "CONSUMER"],
        attributes: Mapping[str, str],
        traceparent: str = "",
    ) -> Iterator[None]:
        """A current span, below the one whose W3C text is given, else below the current one."""
        if self._tracer is None:
            yield
            return
        parent = _W3C.extract({TRACEPARENT: traceparent}, Context()) if traceparent else None
        with self._tracer.start_as_current_span(
            name,
            context=parent,
            kind=trace.SpanKind[kind],
            attributes=dict(attributes),
            record_exception=False,
            set_status_on_exception=False,
        ):
            yield


def describe(**attributes: str) -> None:
    """Add attributes to the current span; `event_id` becomes `joinedup.event_id`."""
    if INSTALLED:
        current = trace.get_current_span()
        for name, value in attributes.items():
            current.set_attribute(f"joinedup.{name}", value)


def current_traceparent() -> str:
    """The current context as a W3C traceparent; empty outside a trace."""
    if not INSTALLED:
        return ""
    box: dict[str, str] = {}
    _W3C.inject(box)
    return box.get(TRACEPARENT, "")


def current_trace_id() -> str:
    """The current trace's id, 32 hex characters; empty outside a trace."""
    text = current_traceparent()
    return text.split("-")[1] if text else ""
