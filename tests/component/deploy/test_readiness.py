"""A server is ready when it gives the right answer, not when its port is open."""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING

import pytest

from deploy.local.running import readiness
from deploy.local.running.readiness import Kind, Question

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE_BROKER = struct.pack(">iii", 8, 1, 1)


class Server:
    """Accepts connections and gives each the same bytes, after reading something."""

    def __init__(self, answer: bytes) -> None:
        self.answer, self.heard = answer, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self.heard = connection.recv(1024)
                connection.sendall(self.answer)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    started = Server(request.param)
    yield started
    started.close()


def http(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()


def asked(server: Server, kind: Kind) -> bool:
    target = f"http://{server.address}/health/ready" if kind is Kind.HTTP else server.address
    return readiness.ready(Question(kind, target))


@pytest.mark.parametrize(
    ("server", "kind"),
    [(http("200 OK"), Kind.HTTP), (b"+PONG\r\n", Kind.REDIS), (ONE_BROKER, Kind.KAFKA)],
    indirect=["server"],
)
def test_the_right_answer_is_a_yes(server: Server, kind: Kind) -> None:
    assert asked(server, kind)


@pytest.mark.parametrize(
    ("server", "kind"),
    [
        (http("503 Service Unavailable"), Kind.HTTP),
        (http("302 Found"), Kind.HTTP),
        (b"nonsense", Kind.HTTP),
        (b"-LOADING Redis is loading the dataset in memory\r\n", Kind.REDIS),
        (struct.pack(">iii", 8, 1, 0), Kind.KAFKA),
        (ONE_BROKER[:6], Kind.KAFKA),
        (b"", Kind.KAFKA),
        (b"no database", Kind.POSTGRES),
    ],
    indirect=["server"],
)
def test_any_other_answer_is_a_no(server: Server, kind: Kind) -> None:
    assert not asked(server, kind)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_closed_port_is_a_no(kind: Kind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = f"127.0.0.1:{gone.getsockname()[1]}"
    target = f"http://{address}/" if kind is Kind.HTTP else address

    assert not readiness.ready(Question(kind, target))


@pytest.mark.parametrize("server", [ONE_BROKER], indirect=True)
def test_the_broker_is_asked_for_metadata_about_no_topic(server: Server) -> None:
    assert asked(server, Kind.KAFKA)

    size, api, version = struct.unpack(">ihh", server.heard[:8])
    assert (size, api, version) == (len(server.heard) - 4, 3, 1)
    assert server.heard.endswith(struct.pack(">i", 0))


@pytest.mark.parametrize("server", [b"-LOADING\r\n"], indirect=True)
def test_waiting_ends_when_it_is_hopeless_and_when_time_is_up(server: Server) -> None:
    question = Question(Kind.REDIS, server.address)

    assert not readiness.wait(question, 60, failed=lambda: True)
    assert not readiness.wait(question, 0.1, failed=lambda: False)
