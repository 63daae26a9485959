"""A stream is opened again wherever it breaks, and every event has its result once, in order."""

import asyncio
from contextlib import aclosing

import grpc
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from joinedup.client import Receipt, Refused, StreamPublisher, Unavailable
from joinedup.client.backoff import Backoff
from joinedup.events.v1 import life_events_pb2 as pb
from tests.component.client.stream_station import refuse, streaming
from tests.ports import free_port

KEY = ECKey.generate_key("P-256")
FAST = Backoff(first=0.001, longest=0.01)


@pytest.fixture
async def station():
    async with streaming() as made:
        yield made


def a_publisher(address, **options):
    options = {"patience_seconds": 5.0, "backoff": FAST, **options}
    return StreamPublisher("gro", key=KEY.as_pem(private=True), address=address, **options)


def events(count):
    return [{"id": f"GRO-{number}"} for number in range(1, count + 1)]


async def publish(station, many, **options):
    async with a_publisher(station.address, **options) as publisher:
        return [each async for each in publisher.publish_many(many)]


def ids(results):
    return [each.event_id if isinstance(each, Receipt) else each.code for each in results]


async def test_every_event_has_its_receipt_in_order(station):
    async with a_publisher(station.address) as publisher:
        results = [each async for each in publisher.publish_many(events(1_000))]
        assert publisher.answered_through == 1_000

    assert ids(results) == [f"GRO-{number}" for number in range(1, 1_001)]
    assert results[0].status_url == "/v1/events/GRO-1"
    assert station.numbers == [list(range(1, 1_001))]


async def test_nothing_to_publish_opens_no_stream(station):
    assert await publish(station, []) == []
    assert not station.tokens


async def test_answers_may_come_in_any_order(station):
    async def backwards(requests, context):
        answers = [station.accept(await anext(aiter(requests))) for _ in range(5)]
        for each in reversed(answers):
            await context.write(each)
        await station.accept_all(requests, context)

    station.serve = [backwards]

    assert ids(await publish(station, events(5))) == [f"GRO-{n}" for n in range(1, 6)]


async def test_no_more_than_so_many_are_unanswered(station):
    most, waiting, highest = 7, 0, 0

    async def late(requests, context):
        nonlocal waiting, highest
        held = []
        async for request in requests:
            held.append(station.accept(request))
            highest = max(highest, len(held))
            if len(held) == most or request.number == 50:
                for each in held:
                    await context.write(each)
                held.clear()

    station.serve = [late]

    assert len(await publish(station, events(50), most_unanswered=most)) == 50
    assert highest == most


async def test_events_are_taken_only_as_answers_come(station):
    taken = []

    def many():
        for event in events(1_000):
            taken.append(event)
            yield event

    async with (
        a_publisher(station.address, most_unanswered=10) as publisher,
        aclosing(publisher.publish_many(many())) as results,
    ):
        await anext(results)
        assert len(taken) <= 12


async def test_a_stream_that_breaks_is_opened_again_with_what_is_unanswered(station):
    async def breaks(requests, context):
        async for request in requests:
            answer = station.accept(request)
            # The event was taken, and its answer is lost.
            if request.number % 7 == 0:
                await refuse(context, grpc.StatusCode.UNAVAILABLE, "stopping")
            await context.write(answer)

    station.serve = [breaks, breaks, breaks, station.accept_all]

    results = await publish(station, events(100), most_unanswered=10)

    assert ids(results) == [f"GRO-{number}" for number in range(1, 101)]
    assert len(station.tokens) == 4
    assert sum(each > 1 for each in station.admitted.values()) <= 3 * 10
    for numbers in station.numbers:
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_every_stream_shows_a_token_of_its_own(station):
    async def breaks(_requests, context):
        await refuse(context, grpc.StatusCode.UNAVAILABLE, "stopping")

    station.serve = [breaks, breaks, station.accept_all]

    await publish(station, events(1))

    claims = [
        jwt.decode(each.removeprefix("Bearer "), KEY, ["ES256"]).claims for each in station.tokens
    ]
    assert len({each["jti"] for each in claims}) == 3


async def test_a_silent_stream_is_given_up_for_another(station):
    async def silent(requests, _context):
        async for _ in requests:
            pass

    station.serve = [silent, station.accept_all]

    assert ids(await publish(station, events(3), timeout_seconds=0.1)) == [
        "GRO-1",
        "GRO-2",
        "GRO-3",
    ]


async def test_a_stream_whose_time_is_over_is_followed_by_another(station):
    async def slow(requests, context):
        await context.write(station.accept(await anext(aiter(requests))))
        await asyncio.Event().wait()

    station.serve = [slow, station.accept_all]

    results = await publish(station, events(3), stream_seconds=0.5)

    assert ids(results) == ["GRO-1", "GRO-2", "GRO-3"]


async def test_only_what_may_succeed_later_is_sent_again(station):
    async def later(requests, context):
        async for request in requests:
            if request.number <= 2:
                refusal = pb.Refusal(code="in_progress", try_again=request.number == 1)
                await context.write(
                    pb.PublishStreamResponse(number=request.number, refused=refusal)
                )
                station.numbers[-1].append(request.number)
            else:
                await context.write(station.accept(request))

    station.serve = [later]

    results = await publish(station, events(3))

    assert ids(results) == ["GRO-1", "in_progress", "GRO-3"]
    assert isinstance(results[1], Refused)
    assert station.numbers == [[1, 2, 3, 4]]


async def test_when_patience_ends_the_rest_is_unavailable(station):
    station.refusals = [(grpc.StatusCode.UNAVAILABLE, "log_unavailable")] * 1_000

    results = await publish(station, events(3), patience_seconds=0.05)

    assert {type(each) for each in results} == {Unavailable}
    assert ids(results) == ["log_unavailable"] * 3


async def test_a_platform_that_comes_back_is_found_again():
    port = free_port()
    async with a_publisher(f"127.0.0.1:{port}", patience_seconds=30.0) as publisher:
        publishing = asyncio.create_task(_all(publisher.publish_many(events(5))))
        async with streaming(port):
            assert len(await asyncio.wait_for(publishing, 30)) == 5


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, "token_key"),
        (grpc.StatusCode.PERMISSION_DENIED, "scope_denied"),
    ],
)
async def test_a_caller_who_is_not_believed_is_told_at_once(station, status, code):
    station.refusals = [(status, code)] * 2

    with pytest.raises(Refused, match=code):
        await publish(station, events(3))

    assert len(station.tokens) == 1


async def test_an_expired_token_is_signed_anew(station):
    station.refusals = [(grpc.StatusCode.UNAUTHENTICATED, "token_expired")]

    assert ids(await publish(station, events(1))) == ["GRO-1"]


async def test_what_can_be_no_event_keeps_its_place_unsent(station):
    results = await publish(station, [{"id": float("nan")}, *events(1)])

    assert ids(results) == ["json_number", "GRO-1"]


async def test_a_source_that_fails_is_told_after_what_came_from_it(station):
    async def failing():
        yield {"id": "GRO-1"}
        raise RuntimeError("the source is gone")

    async with a_publisher(station.address) as publisher:
        results = publisher.publish_many(failing())
        assert ids([await anext(results)]) == ["GRO-1"]
        with pytest.raises(RuntimeError, match="source is gone"):
            await anext(results)


async def test_whoever_stops_early_leaves_nothing_running(station):
    def ours():
        # <coroutine object StreamPublisher._stream at …>
        names = (str(each.get_coro()).split()[2].partition(".")[0] for each in asyncio.all_tasks())
        return {*names} & {"_Flow", "StreamPublisher", "_send"}

    async with a_publisher(station.address) as publisher:
        async with aclosing(publisher.publish_many(events(1_000))) as results:
            await anext(results)
            assert ours() == {"_Flow", "StreamPublisher", "_send"}

        assert not ours()


async def _all(results):
    return [each async for each in results]
