"""An HTTP server starts, is told to stop, and refuses a taken port."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from services.kit import web
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
