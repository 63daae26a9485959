"""HTTP/1.1 as the servers speak it: a fast parser, and heads that are neither endless nor slow."""

import asyncio
import json
import math
from http import HTTPStatus
from operator import attrgetter
from typing import Any, Final

from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.kit.problem import busy, refuse

MAX_HEAD_BYTES: Final = 16 * 1024
HEAD_SECONDS: Final = 10.0


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol over llhttp, which itself bounds neither the size nor the time of a head.

    A head of more than 16 KiB is answered 431. A connection that has sent no whole head for ten
    seconds is closed, also one that has sent nothing yet; between requests the server's own
    keep-alive timeout holds. Where there are as many connections as are served at once, a new one
    takes the place of the one that has been silent longest; while none is silent, 503.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_bytes: int | None = 0
        self._too_slow: asyncio.TimerHandle | None = None
        self.silent_since = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin waiting for the first head."""
        super().connection_made(transport)
        self._too_slow = self.loop.call_later(HEAD_SECONDS, self._close)
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, then refuse what is still a head and too long for one."""
        if self._head_bytes is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes is not None and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._head_bytes = self._head_bytes or 0
        if self._too_slow is None:
            self._too_slow = self.loop.call_later(HEAD_SECONDS, self._close)

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self._wait_no_more()
        self._head_bytes = None
        self.silent_since = math.inf
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What comes next is a head."""
        self._head_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Silent from now on, unless the next request is here already."""
        if not self.pipeline:
            self.silent_since = self.loop.time()
        super().on_response_complete()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        super()._start_asgi_task(cycle, _no_room if app is service_unavailable else app)

    def _make_room(self) -> None:
        others = self.connections - {self}
        longest = min(others, key=attrgetter("silent_since"), default=None)
        if isinstance(longest, GuardedProtocol) and longest.silent_since < math.inf:
            # Not counted any more: whoever comes next must not wait for its last words.
            self.connections.discard(longest)
            longest.transport.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # the parser's own words
        """Refuse what is no HTTP, and close: where the next request begins is not known."""
        self._refuse(_MALFORMED)

    def _refuse(self, answer: bytes) -> None:
        self._wait_no_more()
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()

    def _close(self) -> None:
        self._too_slow = None
        self.transport.close()

    def _wait_no_more(self) -> None:
        if self._too_slow is not None:
            self._too_slow.cancel()
            self._too_slow = None


async def _no_room(scope: Any, receive: Any, send: Any) -> None:
    await refuse(busy(), scope, receive, send)


def _answer(status: HTTPStatus, code: str, detail: str) -> bytes:
    document = {
        "type": f"urn:joinedup:problem:{code}",
        "title": status.phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "errors": [],
        "trace_id": "",
    }
    body = json.dumps(document).encode()
    head = (
        f"HTTP/1.1 {status:d} {status.phrase}\r\n"
        "content-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


_TOO_LARGE: Final = _answer(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "header_too_large",
    f"The head of a request may have {MAX_HEAD_BYTES} bytes.",
)
_MALFORMED: Final = _answer(
    HTTPStatus.BAD_REQUEST,
    "http_malformed",
    "This is not HTTP/1.1, or says in two ways how long it is.",
)
