"""Nothing leaves in a span but what is on the list; the trace goes through W3C's header alone."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode

from services.kit import telemetry
from services.kit.telemetry_attributes import (
    ALLOWED_ATTRIBUTES,
    ScrubbingExporter,
    resource,
    span_name,
)

SECRET = "QQ123456C"
HANDLE = "abcdefghijklm2345678901234"[:26]
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

# What libraries are known to add, or might one day.
LEAKS = {
    "messaging.kafka.message.key": HANDLE,
    "messaging.message.id": HANDLE,
    "http.target": f"/v1/events/{SECRET}",
    "http.url": f"http://x/?q={SECRET}",
    "url.path": f"/v1/events/{SECRET}",
    "url.query": f"q={SECRET}",
    "url.full": f"http://x/{SECRET}",
    "net.peer.ip": "10.1.2.3",
    "client.address": "10.1.2.3",
    "network.peer.address": "10.1.2.3",
    "user_agent.original": SECRET,
    "enduser.id": SECRET,
    "db.statement": f"SELECT '{SECRET}'",
    "db.query.text": f"SELECT '{SECRET}'",
    "rpc.grpc.request.metadata.authorization": SECRET,
    "exception.message": SECRET,
    "joinedup.subject": HANDLE,
    "anything": SECRET,
}


@pytest.fixture
def traced():
    collected = InMemorySpanExporter()
    provider = TracerProvider(resource=resource("bakery", "1", "test"), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(ScrubbingExporter(collected)))
    yield provider.get_tracer("test"), collected
    provider.shutdown()


def everything(span):
    return "\n".join([span.to_json(), span.name, str(span.status.description)])


def test_only_listed_attributes_leave(traced):
    tracer, collected = traced
    kept = {"messaging.system": "kafka", "joinedup.event_id": "e", "http.route": "/v1/events"}

    tracer.start_span("work", attributes={**LEAKS, **kept}).end()

    (span,) = collected.get_finished_spans()
    assert span.attributes == kept
    assert SECRET not in everything(span)
    assert HANDLE not in everything(span)
    assert "10.1.2.3" not in everything(span)


@given(st.text(min_size=1).filter(lambda name: name not in ALLOWED_ATTRIBUTES))
def test_no_other_name_is_on_the_list(name):
    collected = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(ScrubbingExporter(collected)))

    provider.get_tracer("t").start_span("work", attributes={name: SECRET}).end()

    assert collected.get_finished_spans()[0].attributes == {}


def test_an_exception_leaves_as_its_class_alone(traced):
    tracer, collected = traced

    with pytest.raises(ValueError, match=SECRET), tracer.start_as_current_span("work"):
        raise ValueError(SECRET)

    (span,) = collected.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.events[0].attributes["exception.type"] == "ValueError"
    assert SECRET not in everything(span)
    assert "Traceback" not in everything(span)


def test_events_links_and_status_are_scrubbed_too(traced):
    tracer, collected = traced
    linked = trace.Link(trace.INVALID_SPAN.get_span_context(), LEAKS)
    span = tracer.start_span("work", links=[linked])
    span.add_event("said", {"message": SECRET})
    span.set_status(Status(StatusCode.ERROR, SECRET))
    span.end()

    (left,) = collected.get_finished_spans()
    assert SECRET not in everything(left)
    assert left.status.status_code is StatusCode.ERROR


def test_a_scrubbed_span_keeps_its_place_in_the_trace(traced):
    tracer, collected = traced

    with tracer.start_as_current_span("outer", kind=SpanKind.SERVER) as outer:
        tracer.start_span("inner").end()

    inner, left = collected.get_finished_spans()
    assert inner.parent.span_id == outer.get_span_context().span_id
    assert left.kind is SpanKind.SERVER
    assert left.end_time >= left.start_time
    assert left.resource.attributes["service.name"] == "bakery"
    assert left.instrumentation_scope.name == "test"


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        ("GET /e/x", {"http.request.method": "GET", "http.route": "/e/{id}"}, "GET /e/{id}"),
        (f"GET /{SECRET}", {"http.request.method": "GET"}, "GET"),
        (SECRET, {"http.request.method": SECRET}, "HTTP"),
        ("loaves.v1 send", {}, "loaves.v1 send"),
        ("bakery.v1.Oven/Bake", {}, "bakery.v1.Oven/Bake"),
        (f"open {HANDLE}", {}, "open {id}"),
    ],
)
def test_a_name_holds_nothing_a_caller_chose(name, attributes, expected):
    assert span_name(name, SpanKind.SERVER, attributes) == expected


def test_a_resource_says_who_sends_and_nothing_of_the_machine(monkeypatch):
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", f"host.name={SECRET}")

    assert dict(resource("bakery", "1", "test").attributes) == {
        "service.name": "bakery",
        "service.namespace": "joinedup",
        "service.instance.id": "1",
        "deployment.environment.name": "test",
    }


def test_a_metric_keeps_listed_attributes_only():
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], views=telemetry.VIEWS, shutdown_on_exit=False)
    counter = provider.get_meter("t").create_counter("loaves")

    counter.add(1, {"joinedup.outcome": "baked", "subject": HANDLE})
    counter.add(1, {"joinedup.outcome": "baked", "subject": SECRET})

    data = reader.get_metrics_data()
    assert data is not None
    measured = json.loads(data.to_json())
    (point,) = measured["resource_metrics"][0]["scope_metrics"][0]["metrics"][0]["data"][
        "data_points"
    ]
    assert (point["attributes"], point["value"]) == ({"joinedup.outcome": "baked"}, 2)
    provider.shutdown()


@pytest.mark.parametrize(
    "source",
    [TRACEPARENT, [("ce_id", b"1"), ("traceparent", TRACEPARENT.encode())]],
    ids=["text", "headers"],
)
def test_a_context_is_read_from_text_or_headers(source):
    context = trace.get_current_span(telemetry.context_from(source)).get_span_context()

    assert trace.format_trace_id(context.trace_id) == TRACEPARENT.split("-")[1]
    assert trace.format_span_id(context.span_id) == TRACEPARENT.split("-")[2]
    assert context.is_remote


@given(st.none() | st.text() | st.lists(st.tuples(st.just("traceparent"), st.binary())))
def test_a_context_is_read_from_anything_without_raising(source):
    telemetry.context_from(source)


@pytest.mark.parametrize("source", [None, "", "nonsense", [], [("traceparent", b"\xff")]])
def test_what_is_no_context_is_an_empty_one(source, traced):
    tracer, _ = traced
    with tracer.start_as_current_span("around"):
        context = telemetry.context_from(source)

    assert not trace.get_current_span(context).get_span_context().is_valid


def test_the_current_context_is_written_as_a_traceparent(traced):
    tracer, _ = traced
    assert not telemetry.current_traceparent()

    with tracer.start_as_current_span("work") as span:
        text = telemetry.current_traceparent()

    context = span.get_span_context()
    flags = f"{context.trace_flags:02x}"
    assert text == f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags}"


@pytest.mark.parametrize("traceparent", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-00"])
def test_what_is_no_traceparent_begins_a_trace(traceparent, traced, monkeypatch):
    monkeypatch.setattr(telemetry, "tracer", lambda _name: traced[0])

    begun = telemetry.begin_span("work", SpanKind.INTERNAL, {}, traceparent)

    assert begun.is_recording()


def test_in_a_trace_that_is_not_recorded_no_span_is_made():
    unrecorded = TRACEPARENT[:-2] + "00"

    begun = telemetry.begin_span("work", SpanKind.INTERNAL, {}, unrecorded)

    assert not begun.is_recording()
    assert telemetry.traceparent_of(begun) == unrecorded


def test_a_strangers_state_and_baggage_go_nowhere():
    propagator = telemetry.TraceparentOnly()
    incoming = {"traceparent": TRACEPARENT, "tracestate": f"v={SECRET}", "baggage": f"u={SECRET}"}
    outgoing: dict[str, str] = {}

    propagator.inject(outgoing, propagator.extract(incoming))

    assert outgoing == {"traceparent": TRACEPARENT}
    assert propagator.fields == {"traceparent"}
