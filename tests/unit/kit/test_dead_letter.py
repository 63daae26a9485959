"""A dead letter is the record as it came, with the reason."""

import hashlib
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.kit.codec import MAX_HEADER_BYTES, MAX_HEADERS
from services.kit.dead_letter import dead_letter

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
