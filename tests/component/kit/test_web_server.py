"""An HTTP server starts, is told to stop, and refuses a taken port."""

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from services.kit import web, web_protocol
from services.kit.run import CannotStart
from tests.ports import free_port


async def hello(_request):
    return PlainTextResponse("hello")


@asynccontextmanager
async def serving():
    port = free_port()
    stop, ready = asyncio.Event(), asyncio.Event()
    app = web.BodyLimit(Starlette(routes=[Route("/", hello, methods=["GET", "POST"])]), 100)
    task = asyncio.create_task(
        web.serve(app, "127.0.0.1", port, stop, ready=ready.set, grace_seconds=1)
    )
    async with asyncio.timeout(5):
        await ready.wait()
    yield port, stop, task
    stop.set()
    await task


@pytest.fixture
async def server():
    async with serving() as started:
        yield started


@pytest.fixture
async def small(monkeypatch):
    """The port of a server that has room for three connections."""
    monkeypatch.setattr(web, "MOST_AT_ONCE", 4)
    async with serving() as (port, _stop, _task):
        yield port


async def test_it_answers_and_says_nothing_of_itself(server):
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{server[0]}/")

    assert answer.text == "hello"
    assert "server" not in answer.headers


async def test_a_body_over_the_limit_is_refused_over_the_wire(server):
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"http://127.0.0.1:{server[0]}/", content=b"x" * 101)

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_headers_over_the_limit_are_refused(server):
    async with httpx.AsyncClient() as http:
        for size, status in ((8_000, 200), (9_000, 431), (20_000, 431)):
            headers = {"authorization": "x" * size}
            answer = await http.get(f"http://127.0.0.1:{server[0]}/", headers=headers)
            assert answer.status_code == status


async def test_many_small_headers_are_refused_too(server):
    async with httpx.AsyncClient() as http:
        headers = {f"x-crumb-{number}": "x" * 1000 for number in range(17)}
        answer = await http.get(f"http://127.0.0.1:{server[0]}/", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (431, "header_too_large")


async def test_an_address_over_the_limit_is_refused(server):
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{server[0]}/?{'x' * 3000}")

    assert (answer.status_code, answer.json()["code"]) == (414, "address_too_long")


@asynccontextmanager
async def connections(port, count):
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    yield opened
    for _, writer in opened:
        writer.close()


async def head_of_the_answer(connection, request=b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"):
    reader, writer = connection
    writer.write(request)
    return await reader.readuntil(b"\r\n\r\n")


async def test_a_new_connection_takes_the_place_of_the_one_silent_longest(small):
    async with connections(small, 3) as (first, second, third):
        # From now on the second has been silent longest.
        await head_of_the_answer(first)

        async with connections(small, 2) as late:
            assert await second[0].read() == b""
            assert await third[0].read() == b""
            heads = [await head_of_the_answer(each) for each in (first, *late)]

    assert all(b"HTTP/1.1 200 " in head for head in heads)


async def test_while_all_are_being_answered_the_next_is_told_to_come_again(small):
    slow = b"POST / HTTP/1.1\r\nhost: here\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n"
    async with connections(small, 3) as busy, httpx.AsyncClient() as http:
        asked = [await head_of_the_answer(each, slow) for each in busy]
        refused = await http.get(f"http://127.0.0.1:{small}/")
        answered = [await head_of_the_answer(each, b"hello") for each in busy]
        again = await http.get(f"http://127.0.0.1:{small}/")

    assert asked == [b"HTTP/1.1 100 Continue\r\n\r\n"] * 3
    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    assert refused.headers["content-type"] == "application/problem+json"
    assert (refused.headers["retry-after"], refused.headers["connection"]) == ("1", "close")
    assert all(head.startswith(b"HTTP/1.1 200 ") for head in answered)
    assert again.status_code == 200


async def test_it_ends_when_it_is_told_to(server):
    _port, stop, task = server

    stop.set()

    async with asyncio.timeout(3):
        await task


async def test_a_taken_port_stops_the_start(server):
    with pytest.raises(CannotStart, match="taken"):
        await web.serve(Starlette(), "127.0.0.1", server[0], asyncio.Event())


async def spoken(port, *parts):
    """What a connection answers to bytes sent as they are, until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


async def test_a_head_that_does_not_end_is_refused_while_it_comes(server):
    crumb = b"x-crumb: " + b"x" * 1000 + b"\r\n"

    answer = await spoken(server[0], b"GET / HTTP/1.1\r\nhost: here\r\n", *[crumb] * 17)

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b'"code": "header_too_large"' in answer


async def test_a_head_that_does_not_come_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(web_protocol, "HEAD_SECONDS", 0.2)

    assert await spoken(server[0]) == b""
    assert await spoken(server[0], b"GET / HT") == b""


@pytest.mark.parametrize(
    "head",
    [
        b"content-length: 5\r\ntransfer-encoding: chunked\r\n",
        b"transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        b"content-length: 5\r\ncontent-length: 6\r\n",
        b"transfer-encoding: chunked, identity\r\n",
    ],
)
async def test_a_request_of_two_lengths_is_refused_and_the_connection_closed(server, head):
    smuggled = b"0\r\n\r\nGET / HTTP/1.1\r\nhost: here\r\n\r\n"

    answer = await spoken(
        server[0], b"POST / HTTP/1.1\r\nhost: here\r\n" + head + b"\r\n" + smuggled
    )

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_a_connection_is_used_again_after_a_slow_pause_between_requests(server, monkeypatch):
    monkeypatch.setattr(web_protocol, "HEAD_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", server[0])
    for _ in range(2):
        writer.write(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert await reader.readexactly(5) == b"hello"
        await asyncio.sleep(0.4)
    writer.close()
