"""An HTTP server starts, is told to stop, and refuses a taken port."""

import asyncio

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


@pytest.fixture
async def server():
    port = free_port()
    stop, ready = asyncio.Event(), asyncio.Event()
    app = web.BodyLimit(Starlette(routes=[Route("/", hello, methods=["GET", "POST"])]), 100)
    serving = asyncio.create_task(
        web.serve(app, "127.0.0.1", port, stop, ready=ready.set, grace_seconds=1)
    )
    async with asyncio.timeout(5):
        await ready.wait()
    yield port, stop, serving
    stop.set()
    await serving


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


async def test_it_ends_when_it_is_told_to(server):
    _port, stop, serving = server

    stop.set()

    async with asyncio.timeout(3):
        await serving


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
