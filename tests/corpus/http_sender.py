"""Sends what an entry of the HTTP corpus says: as a client does, or as bytes on a connection."""

from __future__ import annotations

import json
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from tests.builders import an_event_body
from tests.corpus import http_bodies
from tests.corpus.publisher_tokens import token_of
from tests.events_service import STRUCTURED, EventsService
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANSWER_SECONDS = 15
_PLACEHOLDER = re.compile(r"\$(host|token|event|length)\b")


class Sender:
    """Turns an entry's requests into real ones, remembering the tokens that were sent."""

    def __init__(self, service: EventsService, entry_id: str) -> None:
        self._service = service
        self._id = entry_id
        self._event_id = ""
        self.tokens: list[str] = []

    def send(self, request: dict[str, Any]) -> httpx.Response:
        """Send one request and answer the response."""
        if "lines" in request:
            return self._spoken(request["lines"])
        headers = {"content-type": STRUCTURED, **self._authorization(request.get("token", {}))}
        headers |= request.get("headers", {})
        content = http_bodies.content(request, self._id)
        method, path = request.get("method", "POST"), request.get("path", "/v1/events")
        path = path.replace("$event_id", self._event_id) * request.get("path_times", 1)
        answer = self._service.http.request(method, path, content=content, headers=headers)
        if answer.status_code == httpx.codes.ACCEPTED:
            self._event_id = answer.json()["event_id"]
        return answer

    @contextmanager
    def while_in_progress(self, request: dict[str, Any] | None) -> Iterator[None]:
        """While identity has not answered yet what a request asks of it; nothing when None."""
        if request is None:
            yield
            return
        identity = self._service.identity
        held, asked = threading.Event(), len(identity.asked)
        identity.held = held
        with ThreadPoolExecutor() as pool:
            first = pool.submit(self.send, request)
            try:
                eventually(lambda: len(identity.asked) > asked or first.done())
                yield
            finally:
                identity.held = None
                held.set()
            assert first.result().status_code == request["status"]

    def _authorization(self, wanted: Any) -> dict[str, str]:
        if wanted == "none":
            return {}
        token = self.tokens[-1] if wanted == "again" else self._token(dict(wanted))
        return {"authorization": f"Bearer {token}"}

    def _token(self, wanted: dict[str, Any]) -> str:
        self.tokens.append(token_of(self._service, wanted))
        return self.tokens[-1]

    def _spoken(self, lines: list[str]) -> httpx.Response:
        """What a connection answers to these lines until it is closed, which must be one answer."""
        event = json.dumps(an_event_body(id=f"corpus-{self._id}"))

        def filled(found: re.Match[str]) -> str:
            match found[1]:
                case "host":
                    return f"127.0.0.1:{self._service.port}"
                case "token":
                    return self._token({})
                case "event":
                    return event
                case _:
                    return str(len(event))

        sent = _PLACEHOLDER.sub(filled, "\r\n".join(lines)).encode("latin-1")
        place = ("127.0.0.1", self._service.port)
        with socket.create_connection(place, timeout=_ANSWER_SECONDS) as connection:
            connection.sendall(sent)
            return _only_answer(b"".join(iter(lambda: connection.recv(65536), b"")))


def _only_answer(answered: bytes) -> httpx.Response:
    assert answered.count(b"HTTP/1.1 ") == 1, answered
    head, _, body = answered.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    pairs = [line.split(b": ", 1) for line in headers]
    return httpx.Response(
        int(status.split()[1]), headers=[(name, value) for name, value in pairs], content=body
    )
