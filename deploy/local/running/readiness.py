"""Is it ready? One question a kind of server, asked again until it is or time is up."""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

_ASK_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.05

# Kafka's Metadata request, version 1, about no topic: the answer begins with the brokers.
_CORRELATION: Final = 1
_METADATA: Final = struct.pack(">hhih5si", 3, 1, _CORRELATION, 5, b"ready", 0)
_ANSWER: Final = struct.Struct(">iii")  # size, correlation id, number of brokers


class Kind(StrEnum):
    """How a server is asked."""

    HTTP = "http"
    KAFKA = "kafka"
    POSTGRES = "postgres"
    REDIS = "redis"


@dataclass(frozen=True, slots=True)
class Question:
    """Whom to ask and how; `target` is an address, or a URL for HTTP and PostgreSQL."""

    kind: Kind
    target: str


def ready(question: Question) -> bool:
    """Ask once; anything but the right answer within two seconds is a no."""
    try:
        return _ASK[question.kind](question.target)
    except (OSError, http.client.HTTPException, ValueError):
        return False


def wait(question: Question, seconds: float, *, failed: Callable[[], bool]) -> bool:
    """Ask until the answer is yes (True), `failed` says it is hopeless, or time is up (False)."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ready(question):
            return True
        if failed():
            return False
        time.sleep(_POLL_SECONDS)
    return False


def listening(address: str) -> bool:
    """Tell whether anything accepts connections at `host:port`."""
    host, _, number = address.rpartition(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(number)), 1):
        return True
    return False


def _http(target: str) -> bool:
    parts = urlsplit(target)
    connection = http.client.HTTPConnection(
        parts.hostname or "127.0.0.1", parts.port, timeout=_ASK_SECONDS
    )
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status == http.HTTPStatus.OK
    finally:
        connection.close()


def _redis(target: str) -> bool:
    host, _, number = target.rpartition(":")
    with socket.create_connection((host, int(number)), _ASK_SECONDS) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(64).startswith(b"+PONG")


def _postgres(target: str) -> bool:
    # Imported here because asking for status must not wait for every client library.
    import psycopg

    try:
        with psycopg.connect(target, connect_timeout=2) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.Error:
        return False


def _kafka(target: str) -> bool:
    # The listener accepts connections long before the broker answers: metadata is the proof.
    # Asked by hand, because a client library that gives up here leaves its sockets open.
    host, _, number = target.rpartition(":")
    with socket.create_connection((host, int(number)), _ASK_SECONDS) as connection:
        connection.sendall(struct.pack(">i", len(_METADATA)) + _METADATA)
        with connection.makefile("rb") as answer:
            head = answer.read(_ANSWER.size)
    if len(head) < _ANSWER.size:
        return False
    _, correlation, brokers = _ANSWER.unpack(head)
    return bool(correlation == _CORRELATION and brokers > 0)


_ASK: Final[dict[Kind, Callable[[str], bool]]] = {
    Kind.HTTP: _http,
    Kind.KAFKA: _kafka,
    Kind.POSTGRES: _postgres,
    Kind.REDIS: _redis,
}
