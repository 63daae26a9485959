"""OTLP in, Zipkin out: `python -m deploy.local.otlp_zipkin PORT ZIPKIN_SPANS_URL`.

Zipkin takes no OTLP. This bridge keeps nothing: it answers an exporter only once Zipkin has the
spans, and says "unavailable" (which exporters try again) while Zipkin is away.
"""

from __future__ import annotations

import http.client
import json
import sys
import zlib
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

_USAGE: Final = "usage: python -m deploy.local.otlp_zipkin PORT ZIPKIN_SPANS_URL"
_BODY_BYTES: Final = 8_000_000
_UNPACKED_BYTES: Final = 32_000_000
_GZIP: Final = 16 + zlib.MAX_WBITS
_ZIPKIN_SECONDS: Final = 5
_NANOSECONDS: Final = 1000

_KIND: Final = {
    Span.SPAN_KIND_SERVER: "SERVER",
    Span.SPAN_KIND_CLIENT: "CLIENT",
    Span.SPAN_KIND_PRODUCER: "PRODUCER",
    Span.SPAN_KIND_CONSUMER: "CONSUMER",
}
# What names the other side, best first: without it the map of services loses the hop.
_PEER: Final = (
    "peer.service",
    "service.peer.name",
    "messaging.system",
    "db.system.name",
    "db.system",
    "rpc.service",
    "server.address",
)
_RESOURCE_TAGS: Final[tuple[str, ...]] = (
    "service.version",
    "service.instance.id",
    "deployment.environment.name",
)


class Refused(Exception):
    """A request that cannot be carried on; holds the HTTP status to answer with."""

    def __init__(self, status: HTTPStatus) -> None:
        """Keep the status."""
        super().__init__(status.phrase)
        self.status = status


def convert(request: otlp.ExportTraceServiceRequest) -> list[dict[str, Any]]:
    """Return the request's spans in Zipkin's v2 form."""
    spans = []
    for resource_spans in request.resource_spans:
        resource = _attributes(resource_spans.resource.attributes)
        service = resource.get("service.name", "unknown")
        kept = {key: resource[key] for key in _RESOURCE_TAGS if key in resource}
        for scope_spans in resource_spans.scope_spans:
            scope = {"otel.scope.name": scope_spans.scope.name} if scope_spans.scope.name else {}
            spans += [_span(span, service, {**kept, **scope}) for span in scope_spans.spans]
    return spans


def unpack(body: bytes, encoding: str) -> bytes:
    """Return a request's body as protobuf bytes; raises Refused for a bomb or a strange coding."""
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    stream = zlib.decompressobj(_GZIP)
    try:
        unpacked = stream.decompress(body, _UNPACKED_BYTES)
    except zlib.error as error:
        raise Refused(HTTPStatus.BAD_REQUEST) from error
    if stream.unconsumed_tail:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if not stream.eof:
        raise Refused(HTTPStatus.BAD_REQUEST)
    return unpacked


def parse(body: bytes) -> otlp.ExportTraceServiceRequest:
    """Return the request in these bytes; raises Refused."""
    request = otlp.ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise Refused(HTTPStatus.BAD_REQUEST) from error
    return request


def _span(span: Span, service: str, tags: dict[str, str]) -> dict[str, Any]:
    attributes = _attributes(span.attributes)
    length = span.end_time_unix_nano - span.start_time_unix_nano
    # Zipkin keeps no links: they stand as tags, in a form one can search for.
    links = {
        f"otel.link.{number}": f"{link.trace_id.hex()}:{link.span_id.hex()}"
        for number, link in enumerate(span.links)
    }
    found: dict[str, Any] = {
        "traceId": span.trace_id.hex(),
        "id": span.span_id.hex(),
        "name": span.name,
        "timestamp": span.start_time_unix_nano // _NANOSECONDS,
        "duration": max(1, length // _NANOSECONDS),
        "localEndpoint": {"serviceName": service},
        "tags": {**tags, **attributes, **links, **_outcome(span.status)},
    }
    if span.parent_span_id:
        found["parentId"] = span.parent_span_id.hex()
    if span.kind in _KIND:
        found["kind"] = _KIND[span.kind]
        peer = next((attributes[key] for key in _PEER if attributes.get(key)), None)
        if peer and span.kind != Span.SPAN_KIND_SERVER:
            found["remoteEndpoint"] = {"serviceName": peer}
    if span.events:
        found["annotations"] = [_annotation(event) for event in span.events]
    return found


def _outcome(status: Status) -> dict[str, str]:
    if status.code == Status.STATUS_CODE_ERROR:
        # Zipkin paints a span red by the tag's presence.
        return {"otel.status_code": "ERROR", "error": status.message or "true"}
    return {"otel.status_code": "OK"} if status.code == Status.STATUS_CODE_OK else {}


def _annotation(event: Span.Event) -> dict[str, Any]:
    attributes = _attributes(event.attributes)
    value = json.dumps({event.name: attributes}) if attributes else event.name
    return {"timestamp": event.time_unix_nano // _NANOSECONDS, "value": value}


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, str]:
    return {pair.key: _text(pair.value) for pair in pairs}


def _text(value: AnyValue) -> str:
    kind = value.WhichOneof("value")
    if kind is None:
        return ""
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "bytes_value":
        return value.bytes_value.hex()
    if kind == "array_value":
        return json.dumps([_text(item) for item in value.array_value.values])
    if kind == "kvlist_value":
        return json.dumps(_attributes(value.kvlist_value.values))
    return str(getattr(value, kind))


def _hand_on(zipkin: str, spans: list[dict[str, Any]]) -> None:
    parts = urlsplit(zipkin)
    connection = http.client.HTTPConnection(
        parts.hostname or "127.0.0.1", parts.port, timeout=_ZIPKIN_SECONDS
    )
    try:
        body = json.dumps(spans).encode()
        connection.request("POST", parts.path, body, {"Content-Type": "application/json"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE) from error
    finally:
        connection.close()
    if status == HTTPStatus.BAD_REQUEST:
        raise Refused(HTTPStatus.BAD_REQUEST)
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE)


class Handler(BaseHTTPRequestHandler):
    """`POST /v1/traces` from exporters, `GET /health` from whoever waits for the bridge."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    server: Bridge

    def do_GET(self) -> None:
        """Say that the bridge stands."""
        known = self.path == "/health"
        self._reply(HTTPStatus.OK if known else HTTPStatus.NOT_FOUND, b'{"status":"UP"}')

    def do_POST(self) -> None:
        """Carry one export to Zipkin."""
        try:
            spans = convert(parse(unpack(self._body(), self._coding())))
            if spans:
                _hand_on(self.server.zipkin, spans)
        except Refused as refusal:
            # The body may not have been read: the connection cannot be used again.
            self.close_connection = True
            self._reply(refusal.status, b"")
        else:
            answer = otlp.ExportTraceServiceResponse().SerializeToString()
            self._reply(HTTPStatus.OK, answer, "application/x-protobuf")

    def log_message(self, *_: object) -> None:
        """Write no line for a request."""

    def _body(self) -> bytes:
        if self.path != "/v1/traces":
            raise Refused(HTTPStatus.NOT_FOUND)
        if self.headers.get_content_type() != "application/x-protobuf":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise Refused(HTTPStatus.LENGTH_REQUIRED)
        if int(length) > _BODY_BYTES:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return self.rfile.read(int(length))

    def _coding(self) -> str:
        return str(self.headers.get("Content-Encoding", "")).strip().lower()

    def _reply(self, status: HTTPStatus, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


class Bridge(ThreadingHTTPServer):
    """The bridge, on loopback alone unless a container's own network is named."""

    daemon_threads = True

    def __init__(self, port: int, zipkin: str, host: str = "127.0.0.1") -> None:
        """Listen on a port (0: any free one) and hand on to Zipkin's spans URL."""
        super().__init__((host, port), Handler)
        self.zipkin = zipkin


def main(arguments: Sequence[str]) -> int:
    """Serve until told to stop."""
    if len(arguments) != 2 or not arguments[0].isdigit():  # noqa: PLR2004 - two, as in the usage
        print(_USAGE, file=sys.stderr)
        return 2
    Bridge(int(arguments[0]), arguments[1]).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
