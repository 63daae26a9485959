"""Somebody who holds on to the door keeps nobody else from it, or they are told to come again."""

import socket
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from services.events.entrypoints.cloudevents_http import MAX_BATCH_BYTES
from services.kit.web import MOST_AT_ONCE, MOST_HELD_BYTES
from tests.builders import an_event_body
from tests.events_service import BATCH
from tests.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@contextmanager
def connections(service, count):
    with ExitStack() as opened:
        yield [
            opened.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=15))
            for _ in range(count)
        ]


def head(service, length, *more):
    """The head of a request with such a body, from somebody who has not said who they are."""
    told = (f"host: 127.0.0.1:{service.port}", f"content-type: {BATCH}", *more)
    lines = ("POST /v1/events HTTP/1.1", *told, f"content-length: {length}", "", "")
    return "\r\n".join(lines).encode()


def on_the_way(service):
    """How many bytes lie between the clients and the process, which it has not read."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    port = f":{service.port:04X}"
    queues = [line[4] for line in lines if port in {line[1][-5:], line[2][-5:]}]
    return sum(int(each, 16) for queue in queues for each in queue.split(":"))


def is_busy(answer):
    if answer.status_code == 202:
        return False
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    return True


def test_silent_connections_keep_nobody_out(service):
    with connections(service, MOST_AT_ONCE + 100):
        answers = [service.publish(an_event_body(id=f"beside-silent-{n}")) for n in range(3)]

    assert [each.status_code for each in answers] == [202] * 3


def test_while_all_connections_are_at_work_the_next_is_told_to_come_again(service, log):
    body = an_event_body(id="beside-slow")
    # One less: the next one is counted, too.
    with connections(service, MOST_AT_ONCE - 1) as slow:
        for each in slow:
            each.sendall(head(service, 10, "expect: 100-continue"))
        for each in slow:
            assert each.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"

        assert is_busy(service.publish(body))

    assert log.new() == []
    eventually(lambda: not is_busy(service.publish(body)))


def test_bodies_that_are_held_have_a_bound(service, log):
    body = an_event_body(id="beside-large")
    almost = b" " * (MAX_BATCH_BYTES - 1)
    with connections(service, MOST_HELD_BYTES // MAX_BATCH_BYTES) as large:
        for each in large:
            each.sendall(head(service, MAX_BATCH_BYTES) + almost)

        eventually(lambda: on_the_way(service) == 0)
        assert is_busy(service.publish(body))

    assert log.new() == []
    eventually(lambda: not is_busy(service.publish(body)))
