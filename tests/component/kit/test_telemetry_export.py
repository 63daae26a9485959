"""What a whole process sends: spans over OTLP/HTTP, metrics at its probe, lines on stderr."""

import gzip
import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PROGRAM = """
import sys, urllib.request
from services.kit import telemetry
from services.kit.probe import Probe

running = telemetry.start(
    "bakery", otlp_endpoint=sys.argv[1], sample_ratio=1.0, instance="b1", environment="test"
)
assert telemetry.start(
    "again", otlp_endpoint=None, sample_ratio=0, instance="", environment=""
) is running
log = telemetry.log("services.bakery")
baked = telemetry.meter("bakery").create_counter("joinedup.bakery.loaves", unit="{loaf}")
with telemetry.span("bake", attributes={"joinedup.event_id": "e1", "name": "QQ123456C"}):
    log.info("loaf baked", extra={"event_id": "e1", "subject": "QQ123456C"})
    baked.add(2, {"joinedup.outcome": "baked", "subject": "QQ123456C"})
try:
    with telemetry.span("burn"):
        raise ValueError("QQ123456C")
except ValueError:
    log.exception("loaf burnt")
probe = Probe("127.0.0.1", 0)
probe.start()
with urllib.request.urlopen(f"http://127.0.0.1:{probe.port}/metrics") as answer:
    print(answer.read().decode())
running.shutdown()
"""


@pytest.fixture
def collector():
    received: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            received.append((self.path, body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", received
    server.shutdown()
    server.server_close()


def run(endpoint):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, endpoint],
        capture_output=True,
        text=True,
        timeout=40,
        check=True,
    )


def test_a_process_sends_what_may_leave_and_nothing_else(collector):
    endpoint, received = collector

    done = run(endpoint)

    assert {path for path, _ in received} == {"/v1/traces"}
    requests = [ExportTraceServiceRequest.FromString(body) for _, body in received]
    spans = [
        span
        for request in requests
        for sent in request.resource_spans
        for scope in sent.scope_spans
        for span in scope.spans
    ]
    about = {a.key: a.value.string_value for a in requests[0].resource_spans[0].resource.attributes}
    assert about["service.name"] == "bakery"
    assert {span.name: [a.key for a in span.attributes] for span in spans} == {
        "bake": ["joinedup.event_id"],
        "burn": ["error.type"],
    }
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["event"], line["service"]) for line in lines] == [
        ("loaf baked", "bakery"),
        ("loaf burnt", "bakery"),
    ]
    assert bytes.fromhex(lines[0]["trace_id"]) in {span.trace_id for span in spans}
    assert 'joinedup_bakery_loaves_total{joinedup_outcome="baked"' in done.stdout
    everything = b"".join(body for _, body in received) + (done.stdout + done.stderr).encode()
    assert b"QQ123456C" not in everything


def test_a_process_without_a_collector_works_and_ends_in_time():
    begun = time.monotonic()

    done = run("http://127.0.0.1:1")

    assert "joinedup_bakery_loaves_total" in done.stdout
    assert "QQ123456C" not in done.stderr
    assert time.monotonic() - begun < 20
