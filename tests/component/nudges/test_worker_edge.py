"""Around `process_chunk`: poison set aside, failures tried again, one trace a record."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from services.kit.clock import ManualClock
from services.nudges.domain.decide import decide
from services.nudges.domain.errors import PermissionsUnavailable
from services.nudges.entrypoints.chunk_transport import Chunk
from services.nudges.entrypoints.worker import Worker
from services.nudges.ports import Decided, PoisonReason, SetAside
from services.nudges.wire import ProtobufContract
from tests.unit.nudges.builders import (
    MOTHER,
    NOW,
    a_catalogue,
    a_nudge,
    a_permission,
    a_record,
    a_set,
    encoded,
)

TRACE = "0af7651916cd43dd8448eb211c80319c"
SENDER = "b7ad6b7169203331"
MOTHER_KEY = MOTHER.encode()
DEAD = "life-events.v1.dead-letter"


class Outside:
    """Everything around a worker, in memory."""

    def __init__(self):
        self.sent = []
        self.finished: list[Chunk] = []
        self.left: list[str] = []
        self.failures = 0
        self.log_away = False
        self.times = []
        self.clock = ManualClock(NOW)
        self.worker = Worker(
            process=self.process,
            send_all=self.send_all,
            dead_letters=DEAD,
            clock=self.clock,
            finish=self.finished.append,
            leave=self.left.append,
            delays=(0.0, 0.0),
        )

    async def process(self, values, now):
        self.times.append(now)
        if self.failures:
            self.failures -= 1
            raise PermissionsUnavailable("unavailable")
        contract = ProtobufContract()
        catalogue = a_catalogue(a_nudge())
        outcomes: list[Any] = []
        for value in values:
            event = contract.read(value)
            if isinstance(event, PoisonReason):
                outcomes.append(SetAside(event))
            else:
                permissions = a_set(a_permission(), subject=event.subject)
                decision = decide(event, permissions, catalogue, now)
                outcomes.append(Decided(decision, contract.write(decision)))
        return outcomes

    async def send_all(self, outputs):
        if self.log_away:
            raise ConnectionError
        self.sent += outputs

    async def take(self, *records):
        await self.worker.take(Chunk(TP("life-events.v1", 2), 1, records))


@pytest.fixture
async def outside():
    return Outside()


def raw(offset=0, key=MOTHER_KEY, value=None, headers=None, **overrides):
    record = encoded(a_record(**overrides))
    return SimpleNamespace(
        offset=offset,
        key=key,
        value=record.value if value is None else value,
        headers=record.headers if headers is None else headers,
    )


async def test_decisions_and_letters_go_out_in_the_order_of_their_records(outside):
    await outside.take(
        raw(0, event_id="a" * 26),
        raw(1, value=b"\xff"),
        raw(2, event_id="b" * 26, key=b"x" * 26),
        raw(3, event_id="c" * 26),
    )
    await outside.worker.settle()

    assert [topic for topic, *_ in outside.sent] == ["decisions.v1", DEAD, DEAD, "decisions.v1"]
    assert [key for _, key, *_ in outside.sent] == [
        MOTHER.encode(),
        MOTHER.encode(),
        b"x" * 26,
        MOTHER.encode(),
    ]
    reasons = [dict(headers).get("dl_reason") for *_, headers in outside.sent]
    assert reasons == [None, b"decode", b"key_mismatch", None]
    assert [chunk.next_offset for chunk in outside.finished] == [4]
    assert outside.worker.records_finished == 4


async def test_a_letter_says_where_it_came_from_and_keeps_the_record(outside):
    await outside.take(raw(17, value=b"", headers=[("h", b"v"), ("traceparent", b"x")]))
    await outside.worker.settle()

    ((_, _, value, headers),) = outside.sent
    said = dict(headers)
    assert value == b""
    assert said["dl_reason"] == b"empty"
    assert (said["dl_topic"], said["dl_partition"], said["dl_offset"]) == (
        b"life-events.v1",
        b"2",
        b"17",
    )
    assert said["dl_service"] == b"nudges"
    assert said["dl_h_h"] == b"v"


async def test_a_tombstone_is_set_aside_as_one(outside):
    record = raw()
    record.value = None

    await outside.take(record)
    await outside.worker.settle()

    ((topic, _, value, headers),) = outside.sent
    assert (topic, value) == (DEAD, None)
    assert dict(headers)["dl_reason"] == b"unexpected_tombstone"


async def test_what_is_transient_is_tried_again_at_a_later_time(outside):
    outside.failures = 2

    await outside.take(raw())
    await outside.worker.settle()

    assert len(outside.times) == 3
    assert len(outside.sent) == 1
    assert outside.left == []


async def test_what_stays_unavailable_ends_the_process_unfinished(outside):
    outside.failures = 3

    await outside.take(raw())

    assert outside.left == ["permissions_unavailable"]
    assert outside.sent == []
    assert outside.finished == []


async def test_an_output_that_cannot_be_delivered_ends_the_process_unfinished(outside):
    outside.log_away = True

    await outside.take(raw())
    await eventually(lambda: outside.left)

    assert outside.left == ["output_undelivered"]
    assert outside.finished == []


async def test_the_decision_is_dated_by_the_clock(outside):
    outside.clock.advance(timedelta(hours=1))

    await outside.take(raw())

    assert outside.times == [NOW + timedelta(hours=1)]


async def test_each_record_stays_in_its_own_trace(outside, spans):
    parent = ("traceparent", f"00-{TRACE}-{SENDER}-01".encode())
    other = ("traceparent", f"00-{TRACE[::-1]}-{SENDER}-01".encode())

    await outside.take(
        raw(0, headers=[*raw().headers, parent]), raw(1, headers=[*raw().headers, other])
    )
    await outside.worker.settle()
    await eventually(lambda: len(spans.get_finished_spans()) == 4)

    named = {
        (f"{span.context.trace_id:032x}", span.name): span for span in spans.get_finished_spans()
    }
    for trace_id, (*_, headers) in zip((TRACE, TRACE[::-1]), outside.sent, strict=True):
        consumed = named[trace_id, "life-events.v1 process"]
        produced = named[trace_id, "decisions.v1 send"]
        assert f"{consumed.parent.span_id:016x}" == SENDER
        assert produced.parent.span_id == consumed.context.span_id
        carried = dict(headers)["traceparent"].decode()
        assert carried == f"00-{trace_id}-{produced.context.span_id:016x}-01"


async def test_no_span_says_whom_it_is_about(outside, spans):
    await outside.take(raw(0), raw(1, value=b"\xff"))
    await outside.worker.settle()
    await eventually(lambda: len(spans.get_finished_spans()) == 4)

    said = "".join(span.to_json() for span in spans.get_finished_spans())
    assert MOTHER not in said
    assert "decode" in said


async def eventually(holds):
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0)
