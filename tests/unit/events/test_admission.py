"""An event is known again: by its id, by the digest of its body, by how far it has come."""

import base64
import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.events.domain.admission import (
    Progress,
    Status,
    digest_of,
    event_id_of,
    is_event_id,
    mark_of,
)

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
BODIES = st.dictionaries(TEXT, TEXT | st.integers() | st.lists(TEXT, max_size=3), max_size=5)


def test_the_id_is_the_one_that_was_agreed():
    text = "evt|1|gro|urn:uk:register:civil-registration|GRO-2026-0001234"
    expected = base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:26]

    source = "urn:uk:register:civil-registration"
    assert event_id_of("gro", source, "GRO-2026-0001234") == expected
    assert is_event_id(expected)


@given(st.tuples(TEXT, TEXT, TEXT), st.tuples(TEXT, TEXT, TEXT))
def test_two_events_have_one_id_only_if_they_are_the_same(one, other):
    assert (event_id_of(*one) == event_id_of(*other)) == (one == other)


def test_a_separator_inside_a_part_does_not_move_the_border():
    assert event_id_of("a", "b|c", "d") != event_id_of("a", "b", "c|d")
    assert event_id_of("a\\", "b", "c") != event_id_of("a", "\\b", "c")


@settings(max_examples=40)
@given(BODIES)
def test_order_and_white_space_do_not_count_for_the_digest(body):
    again = json.loads(json.dumps(dict(reversed(body.items())), indent=3))

    assert digest_of(again) == digest_of(body)


@settings(max_examples=40)
@given(BODIES, BODIES)
def test_another_body_has_another_digest(one, other):
    assert (digest_of(one) == digest_of(other)) == (one == other)


def test_a_mark_counts_a_person_once_for_each_event():
    assert mark_of("e1", "s1") == mark_of("e1", "s1")
    assert len({mark_of(e, s) for e in ("e1", "e2") for s in ("s1", "s2")}) == 4


@pytest.mark.parametrize(
    ("records", "decided", "status"),
    [
        (None, 0, Status.ADMITTED),
        (None, 2, Status.ADMITTED),
        (2, 0, Status.ON_THE_LOG),
        (2, 1, Status.ON_THE_LOG),
        (2, 2, Status.DECIDED),
    ],
)
def test_an_event_is_decided_once_every_person_is(records, decided, status):
    progress = Progress("e", "id", "source", "type", NOW, records, decided)

    assert progress.status is status


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1.0}, {"a": 1}),
        ({"a": [0, {"b": -3.0}]}, {"a": [0.0, {"b": -3}]}),
        ({"a": 1, "datacontenttype": "application/json"}, {"a": 1}),
    ],
)
def test_how_a_thing_is_written_does_not_count(one, other):
    assert digest_of(one) == digest_of(other)


@pytest.mark.parametrize("other", [{"a": 1.5}, {"a": "1.0"}, {"a": 1e300}, {"a": 2.0**53}])
def test_what_is_another_number_counts(other):
    assert digest_of({"a": 1}) != digest_of(other)
