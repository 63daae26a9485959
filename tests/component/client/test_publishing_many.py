"""Many events go in batches; each has its own result, in order, and is counted once."""

import contextlib
import gc
import json
import time
import tracemalloc

import pytest
from joserfc.jwk import ECKey

from joinedup.client import AsyncPublisher, Publisher, Receipt, Refused, Unavailable
from joinedup.client.backoff import Backoff
from tests.component.client.counter import Counter
from tests.component.client.door import BATCH, Door

KEY = ECKey.generate_key("P-256")
AWAY = (503, {"code": "log_unavailable", "title": "the log is away"})
FAST = Backoff(first=0.001, longest=0.01)


@pytest.fixture
def counter():
    opened = Counter(KEY)
    with contextlib.closing(opened):
        yield opened


@pytest.fixture
def door(counter):
    made = Door()
    counter.answers.append(made)
    return made


def events(count):
    return [{"id": f"GRO-{number}"} for number in range(1, count + 1)]


def a_publisher(kind, counter, **options):
    options = {"patience_seconds": 5.0, "backoff": FAST, "url": counter.url, **options}
    return kind("gro", key=KEY.as_pem(private=True), **options)


async def publish(kind, counter, many, *, batch_size=500, **options):
    """The results of publishing many with either kind of publisher."""
    publisher = a_publisher(kind, counter, **options)
    if kind is Publisher:
        with publisher:
            return list(publisher.publish_many(many, batch_size=batch_size))
    async with publisher:
        return [each async for each in publisher.publish_many(many, batch_size=batch_size)]


def codes(results):
    return [each.code if not isinstance(each, Receipt) else "" for each in results]


both = pytest.mark.parametrize("kind", [Publisher, AsyncPublisher])


@both
async def test_every_event_has_its_receipt_in_order(kind, counter, door):
    results = await publish(kind, counter, events(7), batch_size=3)

    assert [len(each) for each in door.batches] == [3, 3, 1]
    assert all(isinstance(each, Receipt) for each in results)
    urls = [each.status_url for each in results]
    assert urls == [f"{counter.url}/v1/events/{each.event_id}" for each in results]
    assert [each["id"] for each in events(7)] == list(door.admitted)
    assert {each["content-type"] for each in counter.headers} == {BATCH}


@both
async def test_nothing_to_publish_is_no_request(kind, counter, door):
    assert await publish(kind, counter, []) == []
    assert not counter.bodies


@both
async def test_a_refused_event_leaves_the_others_accepted(kind, counter, door):
    fault = {"pointer": "/type", "code": "event_type_unknown", "detail": "no such type"}
    door.refuse("GRO-2", code="event_type_unknown", errors=[fault])

    results = await publish(kind, counter, events(3))

    assert codes(results) == ["", "event_type_unknown", ""]
    assert isinstance(results[1], Refused)
    assert (results[1].status, results[1].pointers) == (422, ("/type",))
    assert door.tries == {"GRO-1": 1, "GRO-2": 1, "GRO-3": 1}


@both
@pytest.mark.parametrize("status", [409, 429, 503])
async def test_only_what_may_succeed_later_is_sent_again(kind, status, counter, door):
    door.refuse("GRO-2", status, times=2, code="later")

    results = await publish(kind, counter, events(3))

    assert codes(results) == ["", "", ""]
    assert door.batches == [["GRO-1", "GRO-2", "GRO-3"], ["GRO-2"], ["GRO-2"]]
    assert len(set(counter.token_ids())) == 3


@both
async def test_the_wait_that_an_item_asks_for_is_kept(kind, counter, door):
    door.refuse("GRO-1", 429, times=1, code="rate_limited", retry_after_seconds=1)

    began = time.monotonic()
    results = await publish(kind, counter, events(2))

    assert codes(results) == ["", ""]
    assert 1.0 <= time.monotonic() - began < 4.0


@both
@pytest.mark.parametrize("trouble", [AWAY, (429, {}), (500, {}), (None, None)])
async def test_a_lost_batch_is_sent_again_as_it_was(kind, trouble, counter, door):
    counter.answers.extendleft([trouble, trouble])

    results = await publish(kind, counter, events(3))

    assert codes(results) == ["", "", ""]
    assert len(set(counter.bodies)) == 1
    assert len(set(counter.token_ids())) == 3


@both
async def test_an_answer_that_got_lost_leaves_duplicates_not_doubles(kind, counter, door):
    def lost(body, headers):
        door(body, headers)
        return None, None

    counter.answers.appendleft(lost)

    results = await publish(kind, counter, events(3))

    assert [each.duplicate for each in results] == [True, True, True]
    assert len(door.admitted) == 3


@both
async def test_when_patience_ends_the_rest_is_unavailable(kind, counter, door):
    door.refuse("GRO-2", 503, code="log_unavailable")

    results = await publish(kind, counter, events(3), patience_seconds=0.05)

    assert codes(results) == ["", "log_unavailable", ""]
    assert isinstance(results[1], Unavailable)


@both
async def test_patience_begins_anew_while_events_are_taken(kind, counter, door):
    for number in range(1, 11):
        door.refuse(f"GRO-{number}", 429, times=number, code="rate_limited")
    slow = Backoff(first=0.04, longest=0.04, jitter=lambda: 0.0)

    results = await publish(kind, counter, events(10), patience_seconds=0.2, backoff=slow)

    assert codes(results) == [""] * 10


@both
async def test_one_event_that_spoils_its_batch_is_found(kind, counter, door):
    bad = b'{"id": "GRO-BAD", "x": NaN}'
    door.refuses_whole = lambda body: {"code": "json_number"} if b"NaN" in body else None
    many = [*events(5), bad, *events(5)[::-1]]

    results = await publish(kind, counter, many)

    assert codes(results) == [""] * 5 + ["json_number"] + [""] * 5
    assert counter.bodies.count(bad) == 1


@both
async def test_what_can_be_no_event_keeps_its_place_unsent(kind, counter, door):
    many = [{"id": object()}, *events(2), {"id": "x" * 70_000}]

    results = await publish(kind, counter, many)

    assert codes(results) == ["json_invalid", "", "", "body_too_large"]
    assert list(door.admitted) == ["GRO-1", "GRO-2"]


@both
async def test_a_caller_who_is_not_believed_is_told_at_once(kind, counter):
    counter.answers.append((401, {"code": "token_key"}))

    with pytest.raises(Refused, match="token_key"):
        await publish(kind, counter, events(3))

    assert len(counter.bodies) == 1


@both
async def test_a_caller_who_may_not_publish_is_told_at_once(kind, counter):
    counter.answers.append((403, {"code": "publisher_suspended"}))

    with pytest.raises(Refused, match="publisher_suspended"):
        await publish(kind, counter, events(3))


@both
async def test_a_batch_holds_no_more_than_four_mebibytes(kind, counter, door):
    many = [{"id": f"GRO-{number}", "text": "x" * 60_000} for number in range(100)]

    results = await publish(kind, counter, many)

    assert codes(results) == [""] * 100
    assert max(map(len, counter.bodies)) <= 4 * 1024 * 1024
    assert len(counter.bodies) == 2


@pytest.mark.parametrize("size", [0, 501])
def test_a_batch_has_at_most_five_hundred_events(counter, size):
    with a_publisher(Publisher, counter) as publisher, pytest.raises(ValueError, match="1 to 500"):
        list(publisher.publish_many(events(1), batch_size=size))


def test_events_are_taken_only_as_results_are(counter, door):
    taken = []

    def many():
        for event in events(20):
            taken.append(event)
            yield event

    with a_publisher(Publisher, counter) as publisher:
        results = publisher.publish_many(many(), batch_size=5)
        assert not taken
        next(results)
        assert len(taken) <= 6
        assert len(list(results)) == 19


async def test_events_may_come_from_an_async_iterable(counter, door):
    async def many():
        for event in events(3):
            yield event

    assert codes(await publish(AsyncPublisher, counter, many())) == ["", "", ""]


def test_memory_does_not_grow_with_the_number_of_events(counter):
    def accepted(body, _headers):
        # The test's own server keeps nothing here, so that only the publisher could.
        counter.bodies.clear()
        counter.headers.clear()
        receipt = {"event_id": "e" * 26, "status": "/v1/events/e", "duplicate": False}
        count = len(json.loads(body))
        results = [{"index": i, "http_status": 202, "receipt": receipt} for i in range(count)]
        return 207, {"accepted": count, "refused": 0, "results": results}

    counter.answers.append(accepted)

    def many():
        for number in range(600):
            if number % 20 == 0:
                gc.collect()  # what nobody can reach any more does not count
            yield {"id": f"GRO-{number}", "text": "x" * 20_000}

    with a_publisher(Publisher, counter) as publisher:
        tracemalloc.start()
        assert sum(1 for _ in publisher.publish_many(many(), batch_size=20)) == 600
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert highest < 5_000_000, "twelve million bytes went through"
