"""HTTP servers: limits before anything is parsed, safe headers, and a life that can be ended."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from types import MappingProxyType
from typing import Any, Final

import uvicorn
from fastapi.telemetry import TelemetryConfig
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.kit.problem import ProblemError, busy, refuse
from services.kit.run import CannotStart
from services.kit.web_protocol import MAX_HEAD_BYTES, GuardedProtocol

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_ADDRESS_BYTES: Final = 2 * 1024
MAX_ONE_HEADER_BYTES: Final = 8 * 1024
MOST_HELD_BYTES: Final = 64 * 1024 * 1024
READ_TIMEOUT_SECONDS: Final = 10.0
# Requests that are being answered; connections, too, but a silent one makes room for a new one.
MOST_AT_ONCE: Final = 500
# For `FastAPI(telemetry=…)`: its own server spans, in the trace that came in. No span for each
# dependency, no log records of its own (they carry messages and stacks), and no metrics: the
# services count and time what their requests mean.
TELEMETRY: Final[TelemetryConfig] = {
    "auto_configure": False,
    "exclude": lambda scope: str(scope.get("path", "")).startswith("/health/"),
    "logs": False,
    "metrics": False,
    "operation_spans": False,
}

SECURITY_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class BodyLimit:
    """Limits what a request may be before the application sees it.

    Address 414, headers 431, body 413; a body that comes too slowly 408. The body is read whole:
    while all bodies together would be more than `most_held_bytes`, the answer is 503. `words` are
    the application's own details of these answers, by code.
    """

    def __init__(
        self,
        app: App,
        max_bytes: int | Callable[[Scope], int],
        read_timeout_seconds: float = READ_TIMEOUT_SECONDS,
        most_held_bytes: int = MOST_HELD_BYTES,
        words: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._app = app
        self._words = words
        self._max = max_bytes if callable(max_bytes) else lambda _scope: max_bytes
        self._timeout = read_timeout_seconds
        self._room = most_held_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held: list[bytes] = []
        try:
            if await self._received(held, scope, receive, send):
                await self._app(scope, _replay(b"".join(held), receive), send)
        finally:
            self._room += sum(map(len, held))

    async def _received(
        self, held: list[bytes], scope: Scope, receive: Receive, send: Send
    ) -> bool:
        """Read the body into `held`; False when it was refused, or the client went away."""
        try:
            _check_head(scope)
            most = self._max(scope)
            if _declared_length(scope) > most:
                raise _too_large(most)
            async with asyncio.timeout(self._timeout):
                return await self._read(receive, held, most)
        except TimeoutError:
            late = f"The body did not come within {self._timeout:g} seconds."
            await refuse(ProblemError(408, "read_timeout", detail=late), scope, receive, send)
        except ProblemError as problem:
            problem.detail = self._words.get(problem.code, problem.detail)
            await refuse(problem, scope, receive, send)
        return False

    async def _read(self, receive: Receive, held: list[bytes], most: int) -> bool:
        """Read the body into `held`; False when the client went away."""
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return False
            part = message.get("body", b"")
            size += len(part)
            if size > most:
                raise _too_large(most)
            if len(part) > self._room:
                raise busy()
            self._room -= len(part)
            held.append(part)
            if not message.get("more_body", False):
                return True


class KnownHosts:
    """Answers 421 to a request that is meant for another host than this server is."""

    def __init__(self, app: App, hosts: Iterable[str]) -> None:
        """Names and addresses this server is reached by, without ports."""
        self._app = app
        self._hosts = frozenset(each.strip().lower() for each in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] == "http" and _host(scope) not in self._hosts:
            problem = ProblemError(
                421, "misdirected", detail="This server does not answer for the host you named."
            )
            await refuse(problem, scope, receive, send)
            return
        await self._app(scope, receive, send)


class SecurityHeaders:
    """Adds the safe headers that an answer does not set itself."""

    def __init__(self, app: App, headers: Mapping[str, str] | None = None) -> None:
        self._app = app
        own = {name.lower(): text for name, text in (headers or {}).items()}
        chosen = {**SECURITY_HEADERS, **own}
        self._headers = [(name.encode(), text.encode()) for name, text in chosen.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message.get("headers", ())}
                added = [each for each in self._headers if each[0] not in there]
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def health_routes(is_ready: Callable[[], bool]) -> list[Route]:
    """`/health/live` and `/health/ready` for an application's own port."""

    async def live(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "live"})

    async def ready(_request: Request) -> JSONResponse:
        if is_ready():
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not_ready"}, status_code=503)

    return [Route("/health/live", live), Route("/health/ready", ready)]


async def serve(
    app: Any,
    host: str,
    port: int,
    stop: asyncio.Event,
    *,
    ready: Callable[[], None] = lambda: None,
    grace_seconds: float = 5.0,
) -> None:
    """Serve until stopped, without an access log; raises CannotStart when the port is taken."""
    listening = _listen(host, port)
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        http=GuardedProtocol,
        limit_concurrency=MOST_AT_ONCE,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=int(grace_seconds),
    )
    server = _Server(config, ready)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        stopping.cancel()
        listening.close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to kit.run, which ends the process in order."""
        yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise CannotStart(f"{host}:{port} is taken by another process") from None
    return listening


def _check_head(scope: Scope) -> None:
    # The protocol's own limit counts only what it had to wait for.
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_ADDRESS_BYTES:
        raise ProblemError(414, "address_too_long")
    sizes = [len(name) + len(value) for name, value in scope["headers"]]
    if sum(sizes) > MAX_HEAD_BYTES or max(sizes, default=0) > MAX_ONE_HEADER_BYTES:
        raise ProblemError(431, "header_too_large")


def _host(scope: Scope) -> str:
    named = [value for name, value in scope["headers"] if name == b"host"]
    if len(named) != 1:
        return ""
    host: str = named[0].decode("latin-1").lower()
    bracket = host.rfind("]")
    colon = host.rfind(":")
    return host[:colon].strip("[]") if colon > bracket else host.strip("[]")


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _too_large(limit: int) -> ProblemError:
    return ProblemError(413, "body_too_large", detail=f"at most {limit} bytes")


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body as one message, then whatever the connection says."""
    waiting = [body]

    async def replay() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay
