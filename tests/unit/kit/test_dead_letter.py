"""A dead letter is the record as it came, with the reason."""

import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.codec import MAX_HEADER_BYTES, MAX_HEADERS
from services.kit.dead_letter import DeadLetters, dead_letter, dead_letter_topic
from services.kit.log_consumer import Record
from services.kit.log_producer import LogUnavailable
from services.kit.run import CannotStart
from services.kit.topics import Topic
from tests.waiting import heard

NOW = datetime(2026, 11, 20, 10, 3, 0, 5000, tzinfo=UTC)


def letter(**overrides):
    about = {
        "topic": "loaves.v1",
        "partition": 3,
        "offset": 42,
        "key": b"oven",
        "value": b"\xff",
        "headers": [("ce_id", b"one"), ("traceparent", b"00-a-b-01"), ("empty", None)],
        "reason": "decode",
        "service": "shop",
        "now": NOW,
    }
    return dead_letter(**{**about, **overrides})


def test_the_record_is_kept_as_it_came_with_its_origin_and_reason():
    made = letter()

    assert (made.key, made.value) == (b"oven", b"\xff")
    assert dict(made.headers) == {
        "dl_reason": b"decode",
        "dl_topic": b"loaves.v1",
        "dl_partition": b"3",
        "dl_offset": b"42",
        "dl_sha256": hashlib.sha256(b"\xff").hexdigest().encode(),
        "dl_service": b"shop",
        "dl_time": b"2026-11-20T10:03:00.005Z",
        "dl_h_ce_id": b"one",
        "traceparent": b"00-a-b-01",
        "dl_h_empty": b"",
    }


def test_a_tombstone_stays_a_tombstone():
    assert letter(value=None).value is None


@given(st.lists(st.tuples(st.text(max_size=30), st.binary(max_size=3000)), max_size=100))
def test_a_dead_letter_always_fits_what_a_record_may_carry(headers):
    made = letter(headers=headers)

    size = sum(len(name.encode("utf-8", "replace")) + len(text) for name, text in made.headers)
    assert size <= MAX_HEADER_BYTES
    assert len(made.headers) < MAX_HEADERS
    assert made.headers[0] == ("dl_reason", b"decode")


RECORD = Record("loaves.v1", 3, 42, b"oven", b"\xff", [("ce_id", b"one")], 0)


class Log:
    """Takes records, or does not answer."""

    def __init__(self, *, away=False):
        self.away = away
        self.written = []

    async def send(self, topic, key, value, headers):
        if self.away:
            raise LogUnavailable
        self.written.append((topic, key, value, dict(headers)["dl_reason"]))


def letters(log, counted):
    return DeadLetters(log.send, "loaves.v1.dead-letter", "shop", lambda: NOW, counted.append)


async def test_a_record_is_set_aside_and_then_counted_and_told():
    log = Log()
    counted: list[str] = []

    with heard("services.kit.dead_letter") as said:
        await letters(log, counted).set_aside(RECORD, "decode")

    assert log.written == [("loaves.v1.dead-letter", b"oven", b"\xff", b"decode")]
    assert counted == ["decode"]
    assert said == [("record set aside", "")]


def test_what_else_is_to_be_said_comes_before_the_records_own_headers():
    made = letter(headers=[("ce_id", b"one")], more=[("dl_problem", b"{}")])

    assert made.headers[-2:] == [("dl_problem", b"{}"), ("dl_h_ce_id", b"one")]


async def test_what_the_log_did_not_take_is_neither_counted_nor_told():
    counted: list[str] = []

    with heard("services.kit.dead_letter") as said, pytest.raises(LogUnavailable):
        await letters(Log(away=True), counted).set_aside(RECORD, "decode")

    assert counted == []
    assert said == []


def test_a_topic_without_dead_letters_keeps_its_consumer_from_starting():
    topic = Topic("loaves.v1", "Loaves.", "x.Loaf", "oven", ("a",), ("b",), 1, 1, False, "none")

    with pytest.raises(CannotStart, match=r"loaves\.v1 declares no dead-letter topic"):
        dead_letter_topic(topic)
