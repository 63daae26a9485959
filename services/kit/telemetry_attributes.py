"""What may leave a process in a span, a metric or a log line; everything else is dropped.

An allow-list, because a library's next release may add an attribute nobody has read: a message
key, a path with an id in it, a peer's address. Values on the list come from closed sets or are
random ids that say nothing about whom.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, SpanKind, Status
from opentelemetry.util.types import AttributeValue

ALLOWED_ATTRIBUTES: Final = frozenset(
    {
        "db.operation.name",
        "db.system.name",
        "deployment.environment.name",
        "error.type",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "joinedup.batch_size",
        "joinedup.catalogue_revision",
        "joinedup.channel",
        "joinedup.duplicate",
        "joinedup.epoch",
        "joinedup.event_id",
        "joinedup.event_type",
        "joinedup.nudge",
        "joinedup.outcome",
        "joinedup.prompt_id",
        "joinedup.publisher",
        "joinedup.reason",
        "messaging.batch.message_count",
        "messaging.consumer.group.name",
        "messaging.destination.name",
        "messaging.destination.partition.id",
        "messaging.kafka.offset",
        "messaging.operation.name",
        "messaging.operation.type",
        "messaging.system",
        "network.protocol.version",
        "peer.service",
        "rpc.grpc.status_code",
        "rpc.method",
        "rpc.response.status_code",
        "rpc.service",
        "rpc.system",
        "rpc.system.name",
        "service.instance.id",
        "service.name",
        "service.namespace",
        "service.version",
        "url.scheme",
    }
)

# Of an exception only its class is kept: its message and stack quote values.
ALLOWED_EVENT_ATTRIBUTES: Final = frozenset({"exception.type", "exception.escaped"})

_HTTP_METHODS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
# A random id or a digest inside a span's name: 20 or more letters and digits in one run of
# base32 or hexadecimal that holds at least one digit.
_ID_IN_NAME = re.compile(r"\b(?=[a-z]*\d)[a-z0-9]{20,}\b")


def allowed(attributes: Mapping[str, AttributeValue] | None) -> dict[str, AttributeValue]:
    """The attributes that may leave."""
    return {k: v for k, v in (attributes or {}).items() if k in ALLOWED_ATTRIBUTES}


def span_name(name: str, kind: SpanKind, attributes: Mapping[str, AttributeValue]) -> str:
    """A span's name without anything a caller can choose: a route's template, never a path."""
    method = attributes.get("http.request.method")
    if method is not None and kind in {SpanKind.SERVER, SpanKind.CLIENT}:
        verb = method if method in _HTTP_METHODS else "HTTP"
        route = attributes.get("http.route")
        return f"{verb} {route}" if route else str(verb)
    return _ID_IN_NAME.sub("{id}", name)


def scrub(span: ReadableSpan) -> ReadableSpan:
    """A copy of the span that carries only what may leave."""
    attributes = allowed(span.attributes)
    return ReadableSpan(
        name=span_name(span.name, span.kind, attributes),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        events=[_scrub_event(event) for event in span.events],
        links=[Link(link.context, allowed(link.attributes)) for link in span.links],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _scrub_event(event: Event) -> Event:
    kept = {k: v for k, v in (event.attributes or {}).items() if k in ALLOWED_EVENT_ATTRIBUTES}
    return Event(_ID_IN_NAME.sub("{id}", event.name), kept, event.timestamp)


class ScrubbingExporter(SpanExporter):
    """An exporter in front of another one: hands on scrubbed copies only."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Scrub, then hand on."""
        return self._inner.export([scrub(span) for span in spans])

    def shutdown(self) -> None:
        """Shut the inner exporter down."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the inner exporter."""
        return self._inner.force_flush(timeout_millis)


def resource(service: str, instance: str, environment: str) -> Resource:
    """Who sends: made here alone, so that nothing of the environment is added."""
    return Resource(
        {
            "service.name": service,
            "service.namespace": "joinedup",
            "service.instance.id": instance,
            "deployment.environment.name": environment,
        }
    )
