"""A stream: each event answered by its number, held back without room, cut off in time."""

from __future__ import annotations

import asyncio
import time

import grpc
import pytest

from joinedup.events.v1 import life_events_pb2 as pb
from services.events.domain import texts
from services.events.domain.errors import EventInvalid, StoreUnavailable
from services.events.domain.faults import Fault
from services.events.domain.rate import Limits
from services.events.entrypoints.grpc_server.stream import (
    BELIEF_SECONDS,
    MOST_IN_A_MESSAGE,
    STREAMS_A_PUBLISHER,
)
from services.events.entrypoints.grpc_server.unanswered import MOST_TOGETHER, MOST_UNANSWERED
from services.kit.rpc_server import GOODBYE_SECONDS
from tests.component.events.streaming import (
    Door,
    Gate,
    answers,
    ending,
    event,
    send,
    together,
)


@pytest.fixture
async def gate():
    return Gate()


@pytest.fixture
async def door(gate):
    async with Door(gate) as running:
        yield running


async def until(condition, seconds=10.0):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # nobody tells when it holds
            await asyncio.sleep(0.005)


async def settled(count):
    """Wait until a count has begun to rise and then rises no more."""
    await until(count)
    before = 0
    while (now := count()) != before:
        before = now
        await asyncio.sleep(0.5)


async def test_every_event_is_answered_by_its_number(door):
    stream = door.stream()

    await send(stream, *(event(number) for number in range(7, 10)))
    await stream.done_writing()

    told = await answers(stream, 3)
    assert [(each.number, each.accepted.event_id) for each in told] == [
        (7, "e7"),
        (8, "e8"),
        (9, "e9"),
    ]
    assert [each.answered_through for each in told] == [7, 8, 9]
    assert await ending(stream) == ([], grpc.StatusCode.OK, None)


async def test_a_refused_event_is_told_why_and_the_rest_goes_on(door, gate):
    gate.answers["e2"] = EventInvalid([Fault("/id", "field_required")])
    gate.answers["e3"] = StoreUnavailable()
    stream = door.stream()

    await send(stream, *(event(number) for number in range(1, 5)))

    first, second, third, fourth = await answers(stream, 4)
    assert first.WhichOneof("result") == fourth.WhichOneof("result") == "accepted"
    assert second.refused == pb.Refusal(
        code="field_required",
        detail=texts.REQUEST["event_invalid"],
        faults=[pb.EventFault(pointer="/id", code="field_required", detail="is required")],
    )
    assert (third.refused.code, third.refused.try_again) == ("store_unavailable", True)
    assert third.refused.retry_after_seconds == 2


async def test_what_arrives_meanwhile_is_admitted_together(door, gate):
    gate.open.clear()
    stream = door.stream()
    await send(stream, event(1))
    await until(lambda: gate.groups)
    total = 1 + 2 * MOST_TOGETHER + 50
    await send(stream, *(event(number) for number in range(2, total + 1)))
    await until(lambda: gate.read == total)
    gate.open.set()

    await answers(stream, total)

    assert [len(group) for group in gate.groups] == [1, MOST_TOGETHER, MOST_TOGETHER, 50]


async def test_two_statements_about_one_entry_are_admitted_one_after_the_other(door, gate):
    gate.open.clear()
    stream = door.stream()
    await send(
        stream,
        event(1, "entry"),
        event(2, "other"),
        event(3, "correction", supersedes="entry"),
        event(4, "cancellation", supersedes="correction"),
        event(5, "other"),
    )
    await until(lambda: gate.groups)
    gate.open.set()

    told = await answers(stream, 5)

    assert [each.number for each in told] == [1, 2, 3, 4, 5]
    assert gate.admitted == ["entry", "other", "correction", "cancellation", "other"]
    together = [set(group) for group in gate.groups]
    assert not [each for each in together if {"entry", "correction"} <= each]
    assert not [each for each in together if {"correction", "cancellation"} <= each]
    assert all(len(set(group)) == len(group) for group in gate.groups)


@pytest.mark.parametrize("number", [1, 3, 0])
async def test_a_number_that_does_not_follow_ends_the_stream_when_all_before_is_answered(
    door, number
):
    stream = door.stream()

    await send(stream, event(1), event(number))

    assert [each.number for each in await answers(stream, 1)] == [1]
    assert await ending(stream) == ([], grpc.StatusCode.INVALID_ARGUMENT, "number_out_of_order")


async def test_events_of_one_message_are_answered_in_one_message(door, gate):
    gate.answers["e3"] = StoreUnavailable()
    stream = door.stream()

    await send(stream, together(1, 2, 3), event(4), together(5, 6))

    first, second, third = await answers(stream, 3)
    assert (first.number, first.accepted.event_id, first.answered_through) == (1, "e1", 3)
    assert [each.number for each in first.following] == [2, 3]
    assert first.following[0].accepted.event_id == "e2"
    assert first.following[1].refused.code == "store_unavailable"
    assert (second.number, len(second.following), second.answered_through) == (4, 0, 4)
    assert (third.number, third.answered_through) == (5, 6)


async def test_messages_are_split_and_joined_to_what_is_admitted_together(door, gate):
    gate.open.clear()
    stream = door.stream()
    await send(stream, together(*range(1, 81)))
    await until(lambda: gate.groups)
    more = range(81, 481, 100)
    await send(stream, *(together(*range(first, first + 100)) for first in more))
    await until(lambda: gate.read == 1 + len(more))
    gate.open.set()

    told = await answers(stream, 1 + len(more))

    assert [len(group) for group in gate.groups] == [80, MOST_TOGETHER, 400 - MOST_TOGETHER]
    assert [each.answered_through for each in told] == [80, 180, 280, 380, 480]
    assert [answer.accepted.event_id for each in told for answer in each.following] == [
        f"e{number}" for number in range(1, 481) if number not in {1, *more}
    ]


async def test_a_message_of_too_many_events_ends_the_stream(door, gate):
    stream = door.stream()

    await send(stream, event(1), together(*range(2, 2 + MOST_IN_A_MESSAGE + 1)))

    assert await ending(stream) == ([1], grpc.StatusCode.INVALID_ARGUMENT, "message_too_long")
    assert gate.admitted == ["e1"]


@pytest.mark.parametrize(("first", "count"), [(2**64 - 1, 1), (2**64 - 2, 2)])
async def test_the_last_numbers_there_are_can_be_used(door, first, count):
    stream = door.stream()

    await send(stream, together(*range(first, first + count)))

    (told,) = await answers(stream, 1)
    assert told.answered_through == 2**64 - 1
    await send(stream, event(0))
    assert await ending(stream) == ([], grpc.StatusCode.INVALID_ARGUMENT, "number_out_of_order")


async def test_a_message_that_goes_beyond_the_last_number_ends_the_stream(door):
    stream = door.stream()

    await send(stream, together(2**64 - 1, 2**64))

    assert await ending(stream) == ([], grpc.StatusCode.INVALID_ARGUMENT, "number_out_of_order")


async def test_what_cannot_be_read_ends_the_stream_when_all_before_is_answered(door):
    stream = door._channel.stream_stream("/joinedup.events.v1.LifeEvents/PublishStream")(
        timeout=10, metadata=(("authorization", "Bearer raw"),)
    )

    await stream.write(event(1).SerializeToString())
    await stream.write(b"\x0a\xff")

    assert pb.PublishStreamResponse.FromString(await stream.read()).number == 1
    assert await ending(stream) == ([], grpc.StatusCode.INVALID_ARGUMENT, "payload_malformed")


async def test_what_is_no_event_is_refused_by_number(door, gate):
    stream = door.stream()

    await send(
        stream,
        pb.PublishStreamRequest(number=1),
        pb.PublishStreamRequest(number=2, cloud_event_json=b"{"),
        pb.PublishStreamRequest(number=3, cloud_event_json=b"[1]"),
        event(4, padding="x" * 65_536),
        pb.PublishStreamRequest(number=5, life_event=pb.LifeEvent(id="typed")),
    )
    await answers(stream, 5)

    assert gate.admitted == ["BodyMalformed", "BodyMalformed", "list", "TooLarge", "typed"]


async def test_a_sender_is_held_back_while_nothing_is_answered(door, gate):
    gate.open.clear()
    stream = door.stream()
    large = "x" * 60_000
    sent = 0

    async def sending():
        nonlocal sent
        for number in range(1, 1001):
            await stream.write(event(number, padding=large))
            sent = number
        await stream.done_writing()

    task = asyncio.create_task(sending())
    await settled(lambda: sent)
    assert sent * len(large) < 16 * 1024 * 1024
    gate.open.set()

    told = await answers(stream, 1000)

    assert [each.number for each in told] == list(range(1, 1001))
    await task


async def test_a_client_that_reads_no_answers_is_not_read_from(door, gate):
    gate.padding = 20_000
    stream = door.stream()
    total, sent = 4 * MOST_UNANSWERED, 0

    async def sending():
        nonlocal sent
        for number in range(1, total + 1):
            await stream.write(event(number))
            sent = number
        await stream.done_writing()

    task = asyncio.create_task(sending())
    await settled(lambda: sent)
    admitted = len(gate.admitted)
    assert MOST_UNANSWERED <= admitted < total / 2

    told = await answers(stream, total)

    assert [each.number for each in told] == list(range(1, total + 1))
    assert gate.admitted == [f"e{number}" for number in range(1, total + 1)]
    await task


async def test_a_publisher_who_is_not_believed_any_more_is_cut_off_within_a_second(door, gate):
    stream = door.stream()
    await send(stream, event(1))
    await answers(stream, 1)
    started, gate.believed = time.monotonic(), False

    assert await ending(stream) == ([], grpc.StatusCode.UNAUTHENTICATED, "token_key")

    assert time.monotonic() - started < 1


async def test_one_who_reads_nothing_is_cut_off_too_and_holds_nothing_back(door, gate):
    gate.padding = 20_000
    streams = [door.stream() for _ in range(STREAMS_A_PUBLISHER)]
    requests = [event(number) for number in range(1, 1_500)]
    sending = [asyncio.create_task(send(each, *requests)) for each in streams]
    await settled(lambda: len(gate.admitted))
    gate.believed = False
    await asyncio.sleep(BELIEF_SECONDS + GOODBYE_SECONDS + 0.5)
    admitted, gate.believed = len(gate.admitted), True

    again = door.stream()
    await send(again, event(1))

    assert (await answers(again, 1))[0].number == 1
    for each in streams:
        numbers, code, reason = await ending(each)
        assert numbers == list(range(1, len(numbers) + 1))
        assert (code, reason) == (grpc.StatusCode.UNAUTHENTICATED, "token_key")
    assert len(gate.admitted) == admitted + 1
    await asyncio.gather(*sending, return_exceptions=True)


async def test_who_is_not_believed_any_more_gets_nothing_admitted(door, gate):
    stream = door.stream()
    await send(stream, event(1))
    await answers(stream, 1)
    gate.believed = False

    await send(stream, event(2))

    assert (await ending(stream))[2] == "token_key"
    assert gate.admitted == ["e1"]


async def test_a_stop_answers_what_was_read_and_sends_the_client_elsewhere(door, gate):
    gate.open.clear()
    stream = door.stream()
    await send(stream, event(1), event(2))
    await until(lambda: gate.read == 2)
    door.stopping.set()
    await until(lambda: gate.groups == [["e1"]])
    gate.open.set()

    assert await ending(stream) == ([1, 2], grpc.StatusCode.UNAVAILABLE, "stopping")


async def test_a_publisher_has_so_many_streams_and_no_more(door):
    streams = [door.stream() for _ in range(STREAMS_A_PUBLISHER)]
    for each in streams:
        await send(each, event(1))
        await answers(each, 1)

    assert await ending(door.stream()) == (
        [],
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "too_many_streams",
    )
    await streams[0].done_writing()
    await ending(streams[0])
    streams[1].cancel()
    for freed in (door.stream(), door.stream()):
        await send(freed, event(1))
        assert (await answers(freed, 1))[0].number == 1


async def test_a_client_that_leaves_at_any_moment_is_no_error_of_ours(door, gate, caplog):
    for read in range(20):
        gate.padding = 2_000 * read
        stream = door.stream()
        await send(stream, *(event(number) for number in range(1, 60)))
        await answers(stream, read)
        stream.cancel()

    last = door.stream()
    await send(last, event(1))

    assert (await answers(last, 1))[0].number == 1
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


async def test_a_token_opens_one_stream(door):
    first = door.stream("Bearer same")
    await send(first, event(1))
    await answers(first, 1)

    assert await ending(door.stream("Bearer same")) == (
        [],
        grpc.StatusCode.UNAUTHENTICATED,
        "assertion_replayed",
    )


async def test_a_sender_who_is_too_fast_is_held_back_and_never_refused(door, gate):
    gate.limits = Limits(events_per_second=50, burst=10)
    stream = door.stream()
    started = time.monotonic()

    await send(stream, *(event(number) for number in range(1, 41)))
    told = await answers(stream, 40)

    assert {each.WhichOneof("result") for each in told} == {"accepted"}
    assert time.monotonic() - started > 0.5
