"""A broker that dies or freezes: told within five seconds, nothing acknowledged is lost."""

import asyncio
import signal
import threading
import time

import pytest

from deploy.local.settings import External
from services.kit import log_consumer, log_producer
from services.kit.ids import new_random_id
from services.kit.log_consumer import consume
from services.kit.log_producer import LogProducer, LogUnavailable
from services.kit.topics import Topic, create_topics
from tests.native import start_platform
from tests.waiting import eventually, heard

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def broker():
    started = start_platform("own", only=("kafka",), external=External())
    yield started
    started.stop()


@pytest.fixture
def topic(broker):
    name = f"test-{new_random_id()}.v1"
    create_topics(
        broker.endpoints["kafka"],
        [Topic(name, "Made for one test.", "bytes", "any", ("t",), ("t",), 1, 1, False, "none")],
    )
    return name


@pytest.fixture
async def producer(broker):
    made = LogProducer(broker.endpoints["kafka"], "test")
    await made.start()
    yield made
    await made.close(1)


@pytest.fixture
async def reader(broker, topic):
    values: list[bytes] = []
    stop, ready = asyncio.Event(), asyncio.Event()

    async def handle(batch):
        values.extend(each.value for each in batch)

    reading = asyncio.create_task(
        consume(
            bootstrap=broker.endpoints["kafka"],
            topics=[topic],
            group=topic,
            handle=handle,
            ready=ready.set,
            stop=stop,
        )
    )
    async with asyncio.timeout(20):
        await ready.wait()
    yield values
    stop.set()
    await reading


async def timed_send(producer, topic, value):
    begun = time.monotonic()
    try:
        await producer.send(topic, b"key", value)
    except LogUnavailable:
        return False, time.monotonic() - begun
    return True, time.monotonic() - begun


async def send_until_acknowledged(producer, topic, value, seconds=40):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (await timed_send(producer, topic, value))[0]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the producer did not recover")


async def all_read(values, expected, seconds=40):
    end = time.monotonic() + seconds
    while not expected <= set(values):
        assert time.monotonic() < end, f"lost: {sorted(expected - set(values))[:5]}"
        await asyncio.sleep(0.05)


async def test_a_frozen_broker_is_told_within_five_seconds(broker, producer, topic, reader):
    assert (await timed_send(producer, topic, b"before"))[0]

    broker.kill("kafka", signal.SIGSTOP)
    try:
        together = await asyncio.gather(
            *(timed_send(producer, topic, str(n).encode()) for n in range(20))
        )
    finally:
        broker.kill("kafka", signal.SIGCONT)

    assert [acked for acked, _ in together] == [False] * 20
    assert max(seconds for _, seconds in together) < 5
    await send_until_acknowledged(producer, topic, b"after")
    await all_read(reader, {b"before", b"after"})
    assert len([each for each in threading.enumerate() if each.name == "log-producer"]) == 1


async def test_what_was_acknowledged_survives_a_killed_broker(broker, producer, topic, reader):
    acknowledged: set[bytes] = set()
    slowest = 0.0
    done = asyncio.Event()

    async def load():
        nonlocal slowest
        number = 0
        while not done.is_set():
            number += 1
            value = str(number).encode()
            acked, seconds = await timed_send(producer, topic, value)
            slowest = max(slowest, seconds)
            if acked:
                acknowledged.add(value)
            await asyncio.sleep(0.002)

    loading = asyncio.create_task(load())
    for _ in range(2):
        before = len(acknowledged)
        await _grows(acknowledged, before + 50)
        await asyncio.to_thread(broker.kill, "kafka", signal.SIGKILL)
        await asyncio.to_thread(broker.wait_ready, "kafka", 40)
    await _grows(acknowledged, len(acknowledged) + 50)
    done.set()
    await loading

    assert slowest < 5
    await all_read(reader, acknowledged)


async def _grows(acknowledged, size, seconds=40):
    end = time.monotonic() + seconds
    while len(acknowledged) < size:
        assert time.monotonic() < end, "the producer did not recover"
        await asyncio.sleep(0.02)


async def test_a_producer_waits_for_a_broker_that_comes_late(broker):
    broker.kill("kafka", signal.SIGSTOP)
    late = LogProducer(broker.endpoints["kafka"], "late")
    try:
        with heard(log_producer.__name__) as said:
            starting = asyncio.create_task(late.start())
            await asyncio.to_thread(eventually, lambda: bool(said))  # it asked, and was not told
        assert not starting.done()
    finally:
        broker.kill("kafka", signal.SIGCONT)

    async with asyncio.timeout(20):
        await starting
    await late.close()


async def test_a_producer_without_a_broker_does_not_start():
    nowhere = LogProducer("127.0.0.1:1", "nowhere", delivery_timeout_seconds=0.5)

    with pytest.raises(LogUnavailable):
        await nowhere.start(wait_seconds=0.5)
    with pytest.raises(LogUnavailable):
        await nowhere.send("x.v1", b"k", b"v")

    await nowhere.close()


async def test_a_consumer_without_a_broker_waits_and_can_be_stopped():
    stop = asyncio.Event()
    with heard(log_consumer.__name__) as said:
        waiting = asyncio.create_task(
            consume(
                bootstrap="127.0.0.1:1",
                topics=["x.v1"],
                group="x",
                handle=lambda _batch: asyncio.sleep(0),
                ready=lambda: None,
                stop=stop,
            )
        )
        await asyncio.to_thread(eventually, lambda: len(said) > 1)  # it tried, and tried again
    assert not waiting.done()

    stop.set()

    async with asyncio.timeout(5):
        await waiting
