"""Limits hold before the application sees a byte, and answers carry safe headers."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from services.kit.web import SECURITY_HEADERS, BodyLimit, KnownHosts, SecurityHeaders, health_routes


async def echo(request):
    body = await request.body()
    return PlainTextResponse(body, headers={"cache-control": "public"})


def application(*routes):
    return Starlette(routes=[Route("/", echo, methods=["POST"]), *routes])


def client(app):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bakery")


async def chunks(*parts):
    for part in parts:
        yield part


@pytest.mark.parametrize("body", [b"", b"x", b"x" * 10])
async def test_a_body_up_to_the_limit_arrives_whole(body):
    async with client(BodyLimit(application(), 10)) as http:
        declared = await http.post("/", content=body)
        chunked = await http.post("/", content=chunks(body[:3], body[3:]))

    assert (declared.content, chunked.content) == (body, body)


async def test_a_refusal_has_the_applications_own_words():
    words = {"body_too_large": "Send less."}
    async with client(BodyLimit(application(), 10, words=words)) as http:
        answer = await http.post("/", content=b"x" * 11)

    assert (answer.status_code, answer.json()["detail"]) == (413, "Send less.")


async def test_a_declared_length_over_the_limit_is_refused_unread():
    async def app(scope, receive, send):
        raise AssertionError("the application was called")

    read = []

    async def receive():
        read.append(True)
        return {"type": "http.request", "body": b"x" * 11, "more_body": False}

    sent = await _answer(BodyLimit(app, 10), receive, [(b"content-length", b"11")])

    assert sent[0]["status"] == 413
    assert b"body_too_large" in sent[1]["body"]
    assert read == []


async def test_a_chunked_body_over_the_limit_is_refused_at_the_limit():
    endless = []

    async def receive():
        endless.append(True)
        return {"type": "http.request", "body": b"xxxx", "more_body": True}

    sent = await _answer(BodyLimit(application(), 10), receive)

    assert sent[0]["status"] == 413
    assert (b"connection", b"close") in sent[0]["headers"]
    assert len(endless) == 3


async def test_a_length_that_lies_is_found_out():
    async def receive():
        return {"type": "http.request", "body": b"x" * 11, "more_body": False}

    sent = await _answer(BodyLimit(application(), 10), receive, [(b"content-length", b"3")])

    assert sent[0]["status"] == 413


async def test_a_body_that_never_ends_is_a_timeout():
    async def receive():
        await asyncio.Event().wait()

    sent = await _answer(BodyLimit(application(), 10, read_timeout_seconds=0.01), receive)

    assert sent[0]["status"] == 408
    assert b"read_timeout" in sent[1]["body"]


async def test_a_client_that_leaves_is_not_answered():
    async def receive():
        return {"type": "http.disconnect"}

    assert await _answer(BodyLimit(application(), 10), receive) == []


async def test_answers_carry_the_safe_headers_and_keep_their_own():
    async with client(SecurityHeaders(application(), {"X-Frame-Options": "SAMEORIGIN"})) as http:
        answer = await http.post("/")

    expected = {**SECURITY_HEADERS, "x-frame-options": "SAMEORIGIN", "cache-control": "public"}
    assert {name: answer.headers.get(name) for name in expected} == expected


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
async def test_health_follows_readiness(ready, status):
    async with client(application(*health_routes(lambda: ready))) as http:
        answers = [await http.get("/health/live"), await http.get("/health/ready")]

    assert [each.status_code for each in answers] == [200, status]


async def _answer(app, receive, headers=()):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": list(headers)}
    await app({**scope, "query_string": b""}, receive, send)
    return sent


@pytest.mark.parametrize("host", ["bakery", "Bakery:8000", "[::1]:80", "127.0.0.1"])
async def test_a_request_for_a_known_host_is_answered(host):
    app = KnownHosts(application(), ["bakery", "::1", "127.0.0.1"])
    async with client(app) as http:
        assert (await http.post("/", content=b"x", headers={"host": host})).content == b"x"


@pytest.mark.parametrize("host", ["elsewhere", "bakery.elsewhere", "", "[::2]:80", "bakery@evil"])
async def test_a_request_for_another_host_is_misdirected(host):
    async with client(KnownHosts(application(), ["bakery", "::1"])) as http:
        answer = await http.post("/", content=b"x", headers={"host": host})

    assert (answer.status_code, answer.json()["code"]) == (421, "misdirected")
    assert not host or host not in answer.text


async def test_bodies_that_are_held_at_once_have_a_bound():
    held, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request):
        held.set()
        await go_on.wait()
        return PlainTextResponse(await request.body())

    routes = [Route("/slow", slow, methods=["POST"]), Route("/", echo, methods=["POST"])]
    async with client(BodyLimit(Starlette(routes=routes), 10, most_held_bytes=15)) as http:
        first = asyncio.create_task(http.post("/slow", content=b"x" * 10))
        await held.wait()
        refused = await http.post("/", content=b"x" * 6)
        fits = await http.post("/", content=b"x" * 5)
        go_on.set()
        assert (await first).content == b"x" * 10
        again = await http.post("/", content=b"x" * 10)

    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    assert refused.headers["retry-after"] == "1"
    assert fits.content == b"x" * 5
    assert again.content == b"x" * 10
