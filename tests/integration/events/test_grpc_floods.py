"""Connections that mean harm cost the others nothing, and memory stays bounded."""

from __future__ import annotations

import socket
import struct
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from joinedup.events.v1 import life_events_pb2 as pb
from joinedup.events.v1.life_events_pb2_grpc import LifeEventsStub
from tests.corpus.grpc_corpus import entries

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, HEADERS, RST_STREAM = 4, 1, 3
END_HEADERS, ACK = 4, 1
CANCEL = struct.pack(">I", 8)
ANSWER_SECONDS = 3.0
BOMB_MIB = 240


def entry(name):
    (found,) = [each for each in entries() if each.name.startswith(name)]
    return found.call, found.expect


def frame(kind, flags, stream, payload=b""):
    length = struct.pack(">I", len(payload))[1:]
    return length + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A header as HPACK writes it without a table (RFC 7541, 6.2.2)."""
    texts = [part.encode() for part in (name, value)]
    assert all(len(text) < 127 for text in texts)
    return b"\x00" + b"".join(bytes([len(text)]) + text for text in texts)


def request(rpc):
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": f"/{rpc}",
        ":authority": "localhost",
        "content-type": "application/grpc",
        "te": "trailers",
        "grpc-timeout": "10S",
    }
    return b"".join(literal(*each) for each in headers.items())


def frames(received):
    """Kind and stream of each frame of a connection."""
    place = 0
    while place + 9 <= len(received):
        length = int.from_bytes(received[place : place + 3], "big")
        yield received[place + 3], int.from_bytes(received[place + 5 : place + 9], "big")
        place += 9 + length


def most_memory_mib(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (peak,) = [line for line in lines if line.startswith("VmHWM")]
    return int(peak.split()[1]) / 1024


def flood(target, rpc, resets):
    """Make and reset so many calls; the streams that the server refused by itself."""
    host, _, port = target.partition(":")
    received = bytearray()
    with socket.create_connection((host, int(port))) as connection:
        connection.settimeout(ANSWER_SECONDS)

        def receive():
            try:
                while part := connection.recv(65536):
                    received.extend(part)
            except OSError:
                return

        receiving = threading.Thread(target=receive)
        receiving.start()
        connection.sendall(PREFACE + frame(SETTINGS, 0, 0) + frame(SETTINGS, ACK, 0))
        header = request(rpc)
        for number in range(resets):
            stream = 2 * number + 1
            opened = frame(HEADERS, END_HEADERS, stream, header)
            connection.sendall(opened + frame(RST_STREAM, 0, stream, CANCEL))
        receiving.join()
    return {stream for kind, stream in frames(bytes(received)) if kind == RST_STREAM}


def test_a_flood_of_resets_is_refused_and_nobody_else_waits(service):
    call, expected = entry("G14")
    memory = most_memory_mib(service.process.pid)
    refused: set[int] = set()
    flooding = threading.Thread(
        target=lambda: refused.update(flood(service.target, call["rpc"], call["resets"]))
    )
    waits: list[float] = []

    with grpc.insecure_channel(service.target) as channel:
        get = LifeEventsStub(channel).Get
        flooding.start()
        while flooding.is_alive() or not waits:
            started = time.monotonic()
            with pytest.raises(grpc.RpcError) as unknown:
                get(pb.GetRequest(event_id="a" * 26), timeout=10, metadata=service.metadata())
            waits.append(time.monotonic() - started)
            assert unknown.value.code() is grpc.StatusCode.NOT_FOUND

    assert len(refused) >= call["resets"] - expected["served_at_most"]
    assert max(waits) < expected["peers_wait_seconds_at_most"]
    assert most_memory_mib(service.process.pid) - memory < expected["grown_mib_at_most"]


def test_what_a_compressed_message_would_become_is_never_held(service):
    memory = most_memory_mib(service.process.pid)
    with grpc.insecure_channel(service.target) as channel:
        publish: Any = channel.unary_unary("/joinedup.events.v1.LifeEvents/Publish")

        with pytest.raises(grpc.RpcError) as refused:
            publish(
                bytes(BOMB_MIB << 20),
                timeout=30,
                metadata=service.metadata(),
                compression=grpc.Compression.Gzip,
            )

    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert most_memory_mib(service.process.pid) - memory < BOMB_MIB / 10
