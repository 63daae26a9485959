"""Batches of a publisher's own topic: what is asked of the door, how often, and what goes back."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.events import wire
from services.events.domain.admission import Assertion, Receipt
from services.events.domain.errors import (
    EventInvalid,
    InProgress,
    LogUnavailable,
    Mistaken,
    NotAuthenticated,
    RateExceeded,
    StoreUnavailable,
)
from services.events.domain.faults import MAX_FAULTS, Fault
from services.events.domain.publisher import Publisher
from services.events.domain.rate import Limits
from services.events.entrypoints import inbound_stream
from services.events.entrypoints.inbound_stream import Inbound
from services.events.entrypoints.publishing import Publishing
from services.events.handlers.keep_to_rate import Rates
from services.kit import log_producer
from services.kit.dead_letter import DeadLetters
from services.kit.log_consumer import Record
from services.kit.topics import load_templates, max_record_bytes

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOPIC = load_templates(Path(__file__).parents[3] / "protos" / "topics")[wire.INBOUND_EVENTS]
INVALID = EventInvalid([Fault("/id", "text_too_long")])


def record(name: str, *, at: datetime = NOW, **changed) -> Record:
    headers = [
        ("authorization", f"Bearer {name}".encode()),
        ("content-type", b"application/cloudevents+json"),
    ]
    kept = Record(
        topic="inbound-events.gro.v1",
        partition=0,
        offset=0,
        key=None,
        value=json.dumps({"id": name}).encode(),
        headers=headers,
        timestamp_ms=int(at.timestamp() * 1000),
    )
    return replace(kept, **changed)


class Around:
    """A door that answers as it is told, a log, and beliefs that are asked when."""

    def __init__(self, limits=Limits()):  # noqa: B008  # frozen
        self.answers: dict[str, list[object]] = {}
        self.asked: list[list[str]] = []
        self.written: list[tuple[str, dict[str, bytes], bytes | None]] = []
        self.away = 0
        self.believed_at: list[datetime] = []
        self.slept: list[float] = []
        self.limits = limits
        self.seconds = 0.0
        publishing = Publishing(
            admit=self._admit,
            admit_many=self._admit,
            admissions=None,  # type: ignore[arg-type]  # nothing is spent here
            rates=Rates(self, lambda: self.seconds),  # type: ignore[arg-type]  # all that is asked
            believe=lambda _authorization: pytest.fail("judged by this moment"),
            still_believed=lambda _assertion: True,
            monotonic=lambda: 0.0,
        )
        self.inbound = Inbound(publishing, self._believe, TOPIC, self._letters, lambda: NOW)

    def publisher(self, id):  # noqa: A002  # the port's word
        return Publisher(id, frozenset(), frozenset(), (), limits=self.limits)

    async def _admit(self, submissions):
        self.asked.append([each.body["id"] for each in submissions])
        return [self._answer(each.body["id"]) for each in submissions]

    def _answer(self, name):
        told = self.answers.get(name)
        return told.pop(0) if told else Receipt(f"e-{name}", duplicate=False)

    def _believe(self, authorization, at):
        self.believed_at.append(at)
        if authorization is None:
            raise NotAuthenticated("token_missing")
        return Assertion("gro", authorization.removeprefix("Bearer "), NOW)

    def _letters(self, topic):
        return DeadLetters(self._send, topic, "events", lambda: NOW, lambda _reason: None)

    async def _send(self, topic, key, value, headers):
        if self.away:
            self.away -= 1
            raise log_producer.LogUnavailable
        self.written.append((topic, dict(headers), value))

    def codes(self):
        return [headers["dl_reason"].decode() for _, headers, _ in self.written]


@pytest.fixture
def around(monkeypatch):
    made = Around()

    async def sleep(seconds):
        made.slept.append(seconds)
        made.seconds += seconds

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return made


async def test_a_batch_is_asked_together_in_its_order(around):
    await around.inbound.handle([record("a"), record("b"), record("c")])

    assert around.asked == [["a", "b", "c"]]
    assert around.written == []


@pytest.mark.parametrize(
    "open_answer",
    [StoreUnavailable(), LogUnavailable(), Mistaken(), InProgress(), RateExceeded(1.0)],
    ids=lambda each: each.reason,
)
async def test_only_what_is_open_is_asked_again(around, open_answer):
    around.answers = {"b": [open_answer, open_answer], "c": [INVALID]}
    await around.inbound.handle([record("a"), record("b"), record("c")])

    assert around.asked == [["a", "b", "c"], ["b"], ["b"]]
    assert around.slept == [0.05, 0.1]
    assert around.codes() == ["text_too_long"]


async def test_a_batch_whose_letter_is_not_taken_is_handed_over_again(around):
    around.away = 1
    around.answers = {"a": [INVALID, INVALID]}

    with pytest.raises(log_producer.LogUnavailable):
        await around.inbound.handle([record("a"), record("b")])
    await around.inbound.handle([record("a"), record("b")])

    assert around.codes() == ["text_too_long"]


async def test_what_is_refused_before_the_door_is_not_asked_about(around):
    bad = record("b", headers=[("content-type", b"application/cloudevents+json")])

    await around.inbound.handle([record("a"), bad, record("c", value=b"{")])

    assert around.asked == [["a"]]
    assert around.codes() == ["token_missing", "json_invalid"]
    assert {topic for topic, _, _ in around.written} == {"inbound-events.gro.v1.dead-letter"}


async def test_a_token_is_judged_by_the_brokers_moment_and_no_other(around):
    earlier = NOW - timedelta(hours=9)
    inbound = replace(around.inbound, shift=timedelta(minutes=1))

    await inbound.handle([record("a", at=earlier), record("b", at=earlier, broker_time=False)])

    assert around.believed_at == [earlier + timedelta(minutes=1), NOW]


async def test_a_rate_holds_a_publisher_back(around):
    around.limits = Limits(events_per_second=2, burst=2)

    for name in "abc":
        await around.inbound.handle([record(name), record(name)])

    assert around.asked == [["a", "a"], ["b", "b"], ["c", "c"]]
    assert sum(around.slept) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"id": "b"}, "token_binding"),
        ({"id": "A"}, "token_binding"),
        ({"id": "a\u0301"}, "token_binding"),
        ({"id": ""}, "token_binding"),
    ],
)
async def test_a_token_of_another_event_is_not_believed(around, told, code):
    await around.inbound.handle([record("a", value=json.dumps(told).encode())])

    assert not any(around.asked)
    assert around.codes() == [code]


async def test_the_token_is_not_written_a_second_time(around):
    around.answers = {"a": [INVALID]}
    headers = [(name.upper(), value) for name, value in record("a").headers]

    await around.inbound.handle([record("a", headers=[*headers, ("own", b"1")])])

    ((_, kept, _),) = around.written
    assert not [name for name in kept if "authorization" in name.lower()]
    assert {"dl_h_CONTENT-TYPE", "dl_h_own", "dl_problem"} <= kept.keys()


async def test_the_longest_answer_still_fits_beside_the_largest_record(around):
    long = [Fault(f"/data/{'x' * 64}/{number}", "text_too_long", "y" * 400) for number in range(99)]
    around.answers = {"a": [EventInvalid(long[:MAX_FAULTS])]}
    whole = json.dumps({"id": "a", "filler": "z" * 64_000}).encode()

    await around.inbound.handle([record("a", value=whole)])

    ((topic, kept, value),) = around.written
    assert len(json.loads(kept["dl_problem"])["errors"]) == MAX_FAULTS
    size = len(value or b"") + sum(len(name) + len(text) for name, text in kept.items())
    assert size < max_record_bytes(topic)


@pytest.mark.parametrize(
    ("topic", "publisher"),
    [
        ("inbound-events.gro.v1", "gro"),
        ("inbound-events.council-cardiff.v1", "council-cardiff"),
        ("inbound-events.gro.v1.dead-letter", None),
        ("inbound-events.v1", None),
        ("inbound-events.gro.v2", None),
        ("life-events.v1", None),
        ("my.inbound-events.gro.v1", None),
    ],
)
def test_whose_a_topic_is_stands_in_its_name(topic, publisher):
    named = inbound_stream.TOPICS.match(topic)

    assert (named["publisher"] if named else None) == publisher
