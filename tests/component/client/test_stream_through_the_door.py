"""The stream's two ends, the client's and the platform's, understand each other."""

from itertools import count

import pytest
from joserfc.jwk import ECKey

from joinedup.client import Refused, StreamPublisher
from joinedup.client.backoff import Backoff
from services.events.domain.errors import EventInvalid, InProgress
from services.events.domain.faults import Fault
from services.events.domain.rate import Limits
from tests.component.events.streaming import Door, Gate

KEY = ECKey.generate_key("P-256")


def a_publisher(door, **options):
    backoff = Backoff(first=0.001, longest=0.01)
    key = KEY.as_pem(private=True)
    return StreamPublisher("gro", key=key, address=door.address, backoff=backoff, **options)


def events(count):
    return [{"id": f"e{number}"} for number in range(1, count + 1)]


def receipts(results):
    return [getattr(each, "event_id", "refused") for each in results]


async def test_many_events_are_admitted_in_their_order():
    async with Door(Gate()) as door, a_publisher(door) as publisher:
        results = [each async for each in publisher.publish_many(events(2_000))]

    assert receipts(results) == [f"e{number}" for number in range(1, 2_001)]
    assert door.gate.admitted == receipts(results)


async def test_faults_come_with_their_places():
    gate = Gate(answers={"e2": EventInvalid([Fault("/data/x", "field_unknown")])})
    async with Door(gate) as door, a_publisher(door) as publisher:
        results = [each async for each in publisher.publish_many(events(3))]

    assert receipts(results) == ["e1", "refused", "e3"]
    assert isinstance(results[1], Refused)
    assert (results[1].code, results[1].pointers) == ("field_unknown", ("/data/x",))


async def test_what_is_being_admitted_elsewhere_is_sent_again_after_the_wait_it_asks_for():
    gate = Gate(answers={"e2": InProgress()})
    async with Door(gate) as door, a_publisher(door) as publisher:
        results = publisher.publish_many(events(3))
        first = await anext(results)
        gate.answers.clear()
        rest = [each async for each in results]

    assert receipts([first, *rest]) == ["e1", "e2", "e3"]
    assert gate.admitted.count("e2") == 2
    assert gate.admitted.count("e1") == gate.admitted.count("e3") == 1


async def test_a_platform_that_stops_and_starts_loses_nothing():
    class Restarting(Gate):
        async def spend(self, assertions):
            # Back at the third stream; the first was cut off, and the second refused.
            if len(self.spent) == 2:
                door.stopping.clear()
            return await super().spend(assertions)

    async with Door(Restarting()) as door, a_publisher(door, most_unanswered=10) as publisher:
        results = []
        async for each in publisher.publish_many(events(100)):
            results.append(each)
            if len(results) == 1:
                door.stopping.set()

    assert receipts(results) == [f"e{number}" for number in range(1, 101)]
    assert len(door.gate.spent) == 3


async def test_a_rate_slows_the_stream_and_refuses_nothing():
    gate = Gate(limits=Limits(events_per_second=200, burst=10))
    async with Door(gate) as door, a_publisher(door) as publisher:
        results = [each async for each in publisher.publish_many(events(100))]

    assert receipts(results) == [f"e{number}" for number in range(1, 101)]


async def test_whoever_is_not_believed_any_more_is_told_so():
    gate = Gate()
    async with Door(gate) as door, a_publisher(door) as publisher:
        results = publisher.publish_many({"id": f"e{number}"} for number in count())
        await anext(results)
        gate.believed = False
        with pytest.raises(Refused) as refused:
            _ = [each async for each in results]

    assert refused.value.code == "token_key"
