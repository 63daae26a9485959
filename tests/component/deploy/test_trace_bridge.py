"""The bridge over real HTTP: an exporter hears what became of its spans."""

from __future__ import annotations

import gzip
import http.client
import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from deploy.local import otlp_zipkin as bridge

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACE = bytes(range(16))
SPAN = Span(trace_id=TRACE, span_id=bytes(range(8, 16)), name="life-events.v1 process")
EXPORT = ExportTraceServiceRequest(
    resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[SPAN])])]
)
BOMB = gzip.compress(b"\0" * 40_000_000)


class Zipkin(BaseHTTPRequestHandler):
    """Takes spans and answers as the test wishes."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append(json.loads(body))  # type: ignore[attr-defined]
        self.send_response(self.server.answer)  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def serve(server: HTTPServer) -> Iterator[Any]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def zipkin() -> Iterator[Any]:
    server = HTTPServer(("127.0.0.1", 0), Zipkin)
    server.answer, server.taken = 202, []  # type: ignore[attr-defined]
    yield from serve(server)


@pytest.fixture
def running(zipkin: Any) -> Iterator[Any]:
    spans = f"http://127.0.0.1:{zipkin.server_port}/api/v2/spans"
    yield from serve(bridge.Bridge(0, spans))


def post(running: Any, body: bytes, path: str = "/v1/traces", **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", running.server_port, timeout=5)
    known = {"Content-Type": "application/x-protobuf"}
    try:
        connection.request("POST", path, body, {**known, **headers})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def test_an_export_stands_in_zipkin_when_it_is_answered(running: Any, zipkin: Any) -> None:
    assert post(running, EXPORT.SerializeToString()) == HTTPStatus.OK
    assert zipkin.taken[0][0]["traceId"] == TRACE.hex()


@pytest.mark.parametrize(("theirs", "ours"), [(400, 400), (500, 503), (429, 503)])
def test_an_exporter_hears_whether_to_try_again(
    running: Any, zipkin: Any, theirs: int, ours: int
) -> None:
    zipkin.answer = theirs

    assert post(running, EXPORT.SerializeToString()) == ours


def test_without_zipkin_the_exporter_is_told_to_try_again() -> None:
    for alone in serve(bridge.Bridge(0, "http://127.0.0.1:1/api/v2/spans")):
        assert post(alone, EXPORT.SerializeToString()) == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize(
    ("body", "path", "headers", "status"),
    [
        (b"\xff\xff", "/v1/traces", {}, HTTPStatus.BAD_REQUEST),
        (BOMB, "/v1/traces", {"Content-Encoding": "gzip"}, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        (b"", "/v1/metrics", {}, HTTPStatus.NOT_FOUND),
        (b"{}", "/v1/traces", {"Content-Type": "application/json"}, 415),
        (b"", "/v1/traces", {"Content-Length": "9000000"}, 413),
        (b"", "/v1/traces", {"Content-Length": "-1"}, 411),
    ],
)
def test_what_is_no_export_is_refused(
    running: Any, body: bytes, path: str, headers: dict[str, str], status: int
) -> None:
    assert post(running, body, path, **headers) == status


def test_the_bridge_listens_on_loopback(running: Any) -> None:
    assert running.server_address[0] == "127.0.0.1"
