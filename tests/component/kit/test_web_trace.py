"""A request is part of the trace it came in, and its span says no more than its route."""

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.trace import SpanKind, StatusCode

from services.kit import problem, web

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
HEADERS = {
    "traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01",
    "user-agent": "QQ123456C",
    "host": "qq123456c.example",
}


@pytest.fixture
async def client():
    app = FastAPI(telemetry=web.TELEMETRY)
    problem.install(app)
    app.router.routes.extend(web.health_routes(lambda: True))

    @app.get("/loaves/{loaf}")
    async def loaf(loaf: str) -> str:
        if loaf == "bug":
            raise RuntimeError("QQ123456C")
        raise problem.ProblemError(404, "loaf_unknown")

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://bakery") as made:
        yield made


async def test_a_request_continues_its_trace_and_names_its_route(client, spans):
    answer = await client.get("/loaves/QQ123456C?name=QQ123456C", headers=HEADERS)

    (span,) = spans.get_finished_spans()
    assert answer.json()["trace_id"] == TRACE_ID
    assert f"{span.context.trace_id:032x}" == TRACE_ID
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert (span.kind, span.name) == (SpanKind.SERVER, "GET /loaves/{loaf}")
    assert span.attributes == {
        "http.request.method": "GET",
        "http.response.status_code": 404,
        "http.route": "/loaves/{loaf}",
        "network.protocol.version": "1.1",
        "url.scheme": "http",
    }


async def test_a_bug_marks_the_span_and_says_nothing(client, spans):
    await client.get("/loaves/bug", headers=HEADERS)

    (span,) = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert "QQ123456C" not in span.to_json()


async def test_a_path_without_a_route_is_named_by_its_method(client, spans):
    await client.get("/QQ123456C", headers=HEADERS)

    (span,) = spans.get_finished_spans()
    assert span.name == "GET"
    assert "QQ123456C" not in span.to_json()


async def test_health_is_not_traced(client, spans):
    await client.get("/health/ready")

    assert spans.get_finished_spans() == ()
