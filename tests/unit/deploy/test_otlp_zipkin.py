"""The bridge carries spans from OTLP to Zipkin whole, and refuses what it cannot carry."""

from __future__ import annotations

import gzip
from http import HTTPStatus
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from deploy.local import otlp_zipkin as bridge

TRACE, PARENT, OWN = bytes(range(16)), bytes(range(8)), bytes(range(8, 16))


def pair(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def request(**changes: Any) -> ExportTraceServiceRequest:
    made = ExportTraceServiceRequest()
    resource = made.resource_spans.add()
    resource.resource.attributes.append(pair("service.name", "nudges"))
    resource.resource.attributes.append(pair("host.name", "a machine"))
    scope = resource.scope_spans.add()
    scope.scope.name = "kit"
    known = {
        "trace_id": TRACE,
        "span_id": OWN,
        "parent_span_id": PARENT,
        "name": "life-events.v1 process",
        "kind": Span.SPAN_KIND_CONSUMER,
        "start_time_unix_nano": 1_000_000_000,
        "end_time_unix_nano": 1_002_500_000,
    }
    scope.spans.append(Span(**{**known, **changes}))
    return made


def converted(**changes: Any) -> dict[str, Any]:
    (span,) = bridge.convert(request(**changes))
    return span


def test_ids_times_and_kind_arrive() -> None:
    span = converted()

    assert span["traceId"] == TRACE.hex()
    assert span["parentId"] == PARENT.hex()
    assert (span["timestamp"], span["duration"]) == (1_000_000, 2500)
    assert span["kind"] == "CONSUMER"
    assert span["localEndpoint"] == {"serviceName": "nudges"}


def test_a_root_has_no_parent_and_an_internal_span_no_kind() -> None:
    span = converted(parent_span_id=b"", kind=Span.SPAN_KIND_INTERNAL)

    assert "parentId" not in span
    assert "kind" not in span


def test_a_span_shorter_than_a_microsecond_still_has_a_length() -> None:
    assert converted(end_time_unix_nano=1_000_000_000)["duration"] == 1


def test_the_other_side_of_a_message_is_the_broker() -> None:
    span = converted(attributes=[pair("server.address", "x"), pair("messaging.system", "kafka")])

    assert span["remoteEndpoint"] == {"serviceName": "kafka"}


def test_a_server_does_not_name_its_caller_after_itself() -> None:
    span = converted(kind=Span.SPAN_KIND_SERVER, attributes=[pair("rpc.service", "Fences")])

    assert "remoteEndpoint" not in span


def test_an_error_is_painted_and_an_unset_status_is_not() -> None:
    failed = converted(status=Status(code=Status.STATUS_CODE_ERROR))

    assert failed["tags"]["error"] == "true"
    assert "error" not in converted()["tags"]


def test_links_stand_as_tags() -> None:
    span = converted(links=[Span.Link(trace_id=TRACE, span_id=PARENT)])

    assert span["tags"]["otel.link.0"] == f"{TRACE.hex()}:{PARENT.hex()}"


def test_resource_attributes_outside_the_list_stay_behind() -> None:
    assert "host.name" not in converted()["tags"]


def test_an_event_becomes_an_annotation_with_its_attributes() -> None:
    event = Span.Event(time_unix_nano=5_000, name="retry", attributes=[pair("reason", "away")])

    assert converted(events=[event])["annotations"] == [
        {"timestamp": 5, "value": '{"retry": {"reason": "away"}}'}
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (AnyValue(bool_value=True), "true"),
        (AnyValue(int_value=-3), "-3"),
        (AnyValue(bytes_value=b"\x01\xff"), "01ff"),
        (AnyValue(), ""),
        (AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="a")])), '["a"]'),
    ],
)
def test_every_kind_of_value_becomes_text(value: AnyValue, text: str) -> None:
    assert converted(attributes=[KeyValue(key="k", value=value)])["tags"]["k"] == text


def test_a_compressed_body_is_unpacked() -> None:
    assert bridge.unpack(gzip.compress(b"spans"), "gzip") == b"spans"


@pytest.mark.parametrize(
    ("body", "coding", "status"),
    [
        (gzip.compress(b"spans")[:-4], "gzip", HTTPStatus.BAD_REQUEST),
        (b"not gzip", "gzip", HTTPStatus.BAD_REQUEST),
        (b"spans", "br", HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    ],
)
def test_a_stump_and_a_strange_coding_are_refused(
    body: bytes, coding: str, status: HTTPStatus
) -> None:
    with pytest.raises(bridge.Refused) as refused:
        bridge.unpack(body, coding)

    assert refused.value.status == status
