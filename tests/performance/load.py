"""Load that costs little itself, since it shares the cores with what it measures.

Requests are signed and written down beforehand; a connection then sends bytes and reads answers.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit

from demo.departments import Sent
from joinedup.client.publisher_token import PublisherKey

BATCH: Final = "application/cloudevents-batch+json"
ONE: Final = "application/cloudevents+json"
_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back: how many events came in, after how long (seconds), and with what status."""

    status: int
    accepted: int
    seconds: float


@dataclass(slots=True)
class Desk:
    """The departments' keys, and where they publish."""

    url: str
    keys: Path
    _known: dict[str, PublisherKey] = field(default_factory=dict)

    def token(self, publisher: str) -> str:
        """A fresh token of a publisher."""
        if publisher not in self._known:
            path = self.keys / f"{publisher}.private.pem"
            self._known[publisher] = PublisherKey(publisher, path, f"{publisher}-1")
        return self._known[publisher].token(time.time())

    def one(self, sent: Sent) -> bytes:
        """A request with one event."""
        return self._request(sent.publisher, ONE, json.dumps(sent.event).encode())

    def batch(self, publisher: str, events: Sequence[bytes]) -> bytes:
        """A request with many events of one publisher, each written down already."""
        return self._request(publisher, BATCH, b"[" + b",".join(events) + b"]")

    def _request(self, publisher: str, kind: str, body: bytes) -> bytes:
        head = (
            f"POST /v1/events HTTP/1.1\r\nhost: {urlsplit(self.url).netloc}\r\n"
            f"authorization: Bearer {self.token(publisher)}\r\ncontent-type: {kind}\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class Connection(asyncio.Protocol):
    """One kept connection; a request, then its answer."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = cast("asyncio.Transport", None)
        self._received = b""
        self._whole = 0
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    @classmethod
    async def open(cls, url: str) -> Connection:
        """Connect."""
        place, loop = urlsplit(url), asyncio.get_running_loop()
        _, made = await loop.create_connection(cls, place.hostname or "", place.port or 80)
        return made

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer; raises ConnectionError when none comes."""
        self._answer = self._loop.create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready for the first request."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand an answer on as soon as it is whole."""
        self._received += data
        if not self._whole:
            self._whole = _length(self._received)
        if self._answer is not None and 0 < self._whole <= len(self._received):
            body = self._received[self._received.index(_END_OF_HEAD) + len(_END_OF_HEAD) :]
            self._answer.set_result((int(self._received[9:12]), body))
            self._received, self._whole, self._answer = b"", 0, None

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody answers any more."""
        if self._answer is not None:
            self._answer.set_exception(ConnectionError("hung up without an answer"))


def _accepted(body: bytes) -> int:
    """How many of a batch came in: the first number of the answer, whose rest is long."""
    name, _, rest = body.partition(b":")
    if name != b'{"accepted"':
        raise ValueError("the answer to a batch begins otherwise")
    return int(rest[: rest.index(b",")])


def _length(received: bytes) -> int:
    """How long an answer is, head and body; 0 while its head is not whole."""
    end = received.find(_END_OF_HEAD)
    if end < 0:
        return 0
    start = received.lower().index(_LENGTH, 0, end) + len(_LENGTH)
    return end + len(_END_OF_HEAD) + int(received[start : received.index(b"\r\n", start)])


async def at_rate(
    url: str, requests: Sequence[bytes], a_second: float, connections: int
) -> list[Answered]:
    """Send at a steady rate whatever the answers take; each is timed from when it was due."""
    free: asyncio.Queue[Connection] = asyncio.Queue()
    opened = [await Connection.open(url) for _ in range(connections)]
    for each in opened:
        free.put_nowait(each)
    start = time.perf_counter() + 0.2

    async def one(number: int, request: bytes) -> Answered:
        due = start + number / a_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        connection = await free.get()
        status, _body = await connection.send(request)
        free.put_nowait(connection)
        return Answered(status, int(status == 202), time.perf_counter() - due)

    try:
        return await asyncio.gather(*(one(n, each) for n, each in enumerate(requests)))
    finally:
        for each in opened:
            each.close()


async def as_fast_as_answered(
    url: str, requests: Sequence[bytes], connections: int
) -> list[Answered]:
    """Each connection sends its next request when its last one is answered."""
    waiting = iter(requests)
    answers: list[Answered] = []

    async def one() -> None:
        connection = await Connection.open(url)
        for request in waiting:
            began = time.perf_counter()
            status, body = await connection.send(request)
            accepted = _accepted(body) if status == 207 else int(status == 202)
            answers.append(Answered(status, accepted, time.perf_counter() - began))
        connection.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return answers
