"""A device shows each prompt once, forgets nothing, and comes back whatever ends its stream."""

import asyncio
import json
from contextlib import asynccontextmanager

import grpc
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from joinedup.client import ClientError, Device, DeviceMemory, PersonSession, Received, Refused
from joinedup.client.backoff import Backoff
from services.kit.ids import new_random_id

FAST = Backoff(first=0.001, longest=0.01)
TRACE = f"00-{'ab' * 16}-{'cd' * 8}-01"


class Hearing:
    """A device at work, and what it showed."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.shown: list[Received] = []
        self.changed = asyncio.Condition()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async for received in self.device.prompts():
            async with self.changed:
                self.shown.append(received)
                self.changed.notify_all()

    async def until(self, count: int) -> list[str]:
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(lambda: len(self.shown) >= count)
        return [each.prompt_id for each in self.shown]


@asynccontextmanager
async def hearing(station, provider, memory=None, **options):
    session = PersonSession("mair", sign_in_url=provider, identity=station.address)
    device = Device(session, notifications=station.address, memory=memory, backoff=FAST, **options)
    found = Hearing(device)
    try:
        yield found
    finally:
        found.task.cancel()
        await asyncio.gather(found.task, return_exceptions=True)
        await device.close()
        await session.close()


async def test_a_prompt_is_confirmed_shown_and_opened(station, provider):
    prompt = new_random_id()
    async with hearing(station, provider) as device:
        station.say(prompt)

        assert await device.until(1) == [prompt]
        opened = await device.device.open(device.shown[0], language="cy")

    assert opened.title == "A title"
    assert station.responded == [prompt]
    assert station.opened == [(prompt, "cy")]


async def test_a_prompt_that_comes_again_is_confirmed_but_not_shown_again(station, provider):
    prompt, other = new_random_id(), new_random_id()
    async with hearing(station, provider) as device:
        for each in (prompt, prompt, other):
            station.say(each)

        assert await device.until(2) == [prompt, other]

    assert station.responded == [prompt, prompt, other]


async def test_what_was_taken_back_leaves_the_screen_and_never_comes_again(station, provider):
    prompt, other = new_random_id(), new_random_id()
    gone: list[str] = []
    async with hearing(station, provider, on_withdrawn=gone.append) as device:
        station.say(prompt)
        await device.until(1)
        station.take_back(prompt)
        station.say(prompt)
        station.say(other)

        assert await device.until(2) == [prompt, other]

    assert gone == [prompt]


async def test_what_was_taken_back_before_it_came_is_never_shown(station, provider, tmp_path):
    prompt, other = new_random_id(), new_random_id()
    path = tmp_path / "device.jsonl"
    memory = DeviceMemory(path)
    async with hearing(station, provider, memory) as device:
        station.take_back(prompt, cursor="behind")
        station.say(prompt)
        station.say(other)
        assert await device.until(1) == [other]
    memory.close()

    with DeviceMemory(path) as again:
        assert again.cursor == "behind"
        assert again.seen(prompt)
        assert again.unconfirmed() == ()


async def test_it_is_on_disk_before_the_platform_is_told(station, provider, tmp_path):
    prompt = new_random_id()
    station.memory = tmp_path / "device.jsonl"
    with DeviceMemory(station.memory) as memory:
        async with hearing(station, provider, memory) as device:
            station.say(prompt, "place-1")
            await device.until(1)

    (on_disk,) = station.seen_on_disk
    assert prompt in on_disk
    assert "place-1" in on_disk


async def test_a_device_that_starts_anew_goes_on_from_its_place(station, provider, tmp_path):
    first, second = new_random_id(), new_random_id()
    path = tmp_path / "device.jsonl"
    with DeviceMemory(path) as memory:
        async with hearing(station, provider, memory) as device:
            station.say(first, "place-1")
            await device.until(1)
    with DeviceMemory(path) as memory:
        async with hearing(station, provider, memory) as device:
            station.say(first, "place-1")
            station.say(second, "place-2")
            assert await device.until(1) == [second]

    assert station.subscribed == ["", "place-1"]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (grpc.StatusCode.UNAVAILABLE, "shutting_down"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "slow_reader"),
        (grpc.StatusCode.UNAUTHENTICATED, "token_expired"),
        (grpc.StatusCode.INTERNAL, "internal"),
    ],
)
async def test_it_comes_back_when_its_stream_is_broken(station, provider, status, code):
    before, after = new_random_id(), new_random_id()
    troubles: list[ClientError] = []
    async with hearing(station, provider, on_trouble=troubles.append) as device:
        station.say(before, "place-1")
        station.break_off(status, code)
        station.say(after, "place-2")

        assert await device.until(2) == [before, after]

    assert station.subscribed == ["", "place-1"]
    assert [each.code for each in troubles] == [code]


async def test_a_stream_that_ended_in_peace_is_opened_again(station, provider):
    prompt = new_random_id()
    async with hearing(station, provider) as device:
        station.end()
        station.say(prompt)

        assert await device.until(1) == [prompt]


async def test_a_token_that_was_refused_is_exchanged_anew(station, provider):
    async with hearing(station, provider) as device:
        station.break_off(grpc.StatusCode.UNAUTHENTICATED, "token_expired")
        station.say(new_random_id())
        await device.until(1)

    assert station.exchanged == 2


async def test_a_cursor_that_is_not_accepted_is_dropped(station, provider, tmp_path):
    prompt = new_random_id()
    with DeviceMemory(tmp_path / "device.jsonl") as memory:
        memory.remember(prompt, "from another key")
        memory.confirm(prompt)
        async with hearing(station, provider, memory) as device:
            station.break_off(grpc.StatusCode.INVALID_ARGUMENT, "cursor_invalid")
            station.say(prompt, "place-1")
            station.say(other := new_random_id(), "place-2")
            assert await device.until(1) == [other]

    assert station.subscribed == ["from another key", ""]


async def test_a_confirmation_that_was_lost_is_made_again(station, provider):
    first, second = new_random_id(), new_random_id()
    station.fail_respond = 1
    async with hearing(station, provider) as device:
        station.say(first)
        station.say(second)
        assert await device.until(2) == [first, second]

    assert station.responded == [first, second]


async def test_what_was_withdrawn_meanwhile_says_so(station, provider):
    prompt = f"withdrawn{new_random_id()}"[:26]
    async with hearing(station, provider) as device:
        station.say(prompt)
        await device.until(1)
        with pytest.raises(Refused) as refused:
            await device.device.open(device.shown[0])

    assert refused.value.code == "prompt_withdrawn"


async def test_opening_continues_the_journey_that_led_here(station, provider):
    exporter = InMemorySpanExporter()
    traces = TracerProvider(shutdown_on_exit=False)
    traces.add_span_processor(SimpleSpanProcessor(exporter))
    async with hearing(station, provider, tracer_provider=traces) as device:
        station.say(new_random_id(), traceparent=TRACE)
        await device.until(1)
        await device.device.open(device.shown[0])

    spans = {each.name: json.loads(each.to_json()) for each in exporter.get_finished_spans()}
    assert set(spans) == {"receive prompt", "open prompt"}
    for each in spans.values():
        assert each["context"]["trace_id"] == f"0x{'ab' * 16}"
        assert each["parent_id"] == f"0x{'cd' * 8}"
    (sent,) = station.traceparents
    opening = spans["open prompt"]["context"]["span_id"].removeprefix("0x")
    assert sent.startswith(f"00-{'ab' * 16}-{opening}-")
    traces.shutdown()


async def test_somebody_the_platform_does_not_know_is_told_so(station, provider):
    station.refuse_exchange = ["person_unknown"] * 3
    async with hearing(station, provider) as device:
        with pytest.raises(Refused, match="person_unknown"):
            await asyncio.wait_for(device.task, 10)


async def test_a_session_is_renewed_before_its_token_ends(station, provider):
    now = [0.0]
    station.token_seconds = 900
    async with PersonSession(
        "mair", sign_in_url=provider, identity=station.address, now=lambda: now[0]
    ) as session:
        first = await session.signed_in()
        assert (await session.signed_in()).token == first.token
        assert first.language == "cy"

        now[0] = first.expires_at - 30
        second = await session.signed_in()

    assert second.token != first.token
    assert station.exchanged == 2


async def test_when_the_providers_word_has_ended_it_signs_in_again(station, provider):
    now = [0.0]
    async with PersonSession(
        "mair", sign_in_url=provider, identity=station.address, now=lambda: now[0]
    ) as session:
        first = await session.signed_in()
        now[0] = first.expires_at
        station.refuse_exchange = ["id_token_expired"]
        second = await session.signed_in()

    assert second.token != first.token
