"""Writing to and reading from a real broker: nothing skipped, nothing out of order, one trace."""

import asyncio
import contextlib
import time
from dataclasses import replace

import pytest

from services.kit import telemetry
from services.kit.ids import new_random_id
from services.kit.log_consumer import Record, consume
from services.kit.log_producer import LogProducer, LogUnavailable, RecordTooLarge
from services.kit.topics import Topic, TopicMismatch, create_topics

pytestmark = pytest.mark.integration


@pytest.fixture
def topic(kafka_bootstrap):
    declared = Topic(
        topic=f"test-{new_random_id()}.v1",
        description="Made for one test.",
        value="bytes",
        key="any",
        producers=("test",),
        consumers=("test",),
        partitions=2,
        retention_hours=1,
        compacted=False,
        personal_data="none",
    )
    create_topics(kafka_bootstrap, [declared])
    return declared


@pytest.fixture
async def producer(kafka_bootstrap):
    made = LogProducer(kafka_bootstrap, "test")
    await made.start()
    yield made
    await made.close()


class Reader:
    """A consumer in the background, and what it handled."""

    def __init__(self, bootstrap, topic, **settings):
        self.records: list[Record] = []
        self.batches: list[list[int]] = []
        self.failures = 0
        self.stop = asyncio.Event()
        self.ready = asyncio.Event()
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(
            consume(
                bootstrap=bootstrap,
                topics=[topic.topic],
                group=settings.pop("group", topic.topic),
                handle=self._handle,
                ready=self.ready.set,
                stop=self.stop,
                **settings,
            )
        )

    async def _handle(self, batch):
        self.batches.append([each.offset for each in batch])
        self._changed.set()
        if self.failures:
            self.failures -= 1
            raise ConnectionError("away")
        self.records.extend(batch)

    async def until(self, condition, seconds=15.0):
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                waiting = asyncio.create_task(self._changed.wait())
                done, _ = await asyncio.wait(
                    {waiting, self._task}, return_when=asyncio.FIRST_COMPLETED
                )
                waiting.cancel()
                if self._task in done:
                    self._task.result()
                    raise AssertionError("the consumer ended")

    async def end(self):
        self.stop.set()
        await self._task


@pytest.fixture
async def read(kafka_bootstrap):
    readers = []

    def start(topic, **settings):
        readers.append(Reader(kafka_bootstrap, topic, **settings))
        return readers[-1]

    yield start
    for each in readers:
        each.stop.set()
        with contextlib.suppress(Exception):
            await each.end()


def test_creating_topics_again_creates_nothing(kafka_bootstrap, topic):
    told: list[str] = []
    other = replace(topic, topic=f"test-{new_random_id()}.v1")

    assert create_topics(kafka_bootstrap, {"x": topic, "y": other}, told.append) == [other.topic]
    assert told == [other.topic]
    assert create_topics(kafka_bootstrap, [topic, other]) == []


def test_a_topic_whose_partitions_differ_stops_the_start(kafka_bootstrap, topic):
    with pytest.raises(TopicMismatch):
        create_topics(kafka_bootstrap, [replace(topic, partitions=3)])


async def test_records_arrive_as_they_were_sent_in_the_order_of_their_key(producer, topic, read):
    reader = read(topic)
    headers = [("ce_id", b"one"), ("empty", b"")]

    acks = [await producer.send(topic.topic, b"key", bytes([n]), headers) for n in range(20)]

    await reader.until(lambda: len(reader.records) == 20)
    assert [each.value for each in reader.records] == [bytes([n]) for n in range(20)]
    assert {(each.topic, each.key) for each in reader.records} == {(topic.topic, b"key")}
    assert [each.offset for each in reader.records] == [each.offset for each in acks]
    assert len({each.partition for each in acks}) == 1
    assert reader.records[0].headers[:2] == headers
    assert abs(reader.records[0].timestamp_ms / 1000 - time.time()) < 60


async def test_sends_at_once_keep_their_order_too(producer, topic, read):
    reader = read(topic)

    await asyncio.gather(*(producer.send(topic.topic, b"key", str(n).encode()) for n in range(300)))

    await reader.until(lambda: len(reader.records) == 300)
    assert [each.value for each in reader.records] == [str(n).encode() for n in range(300)]


async def test_a_tombstone_is_a_real_null(producer, topic, read):
    reader = read(topic)

    await producer.send(topic.topic, b"key", None)

    await reader.until(lambda: len(reader.records) == 1)
    assert reader.records[0].value is None


async def test_a_batch_that_fails_is_tried_again_and_nothing_passes_it(producer, topic, read):
    reader = read(topic, max_records=5)
    reader.failures = 3
    for number in range(10):
        await producer.send(topic.topic, b"key", bytes([number]))

    await reader.until(lambda: len(reader.records) == 10)

    assert reader.batches[:4] == [reader.batches[0]] * 4
    assert [each.offset for each in reader.records] == list(range(10))


async def test_a_batch_that_was_not_handled_is_read_again_by_the_next(producer, topic, read):
    first = read(topic)
    await producer.send(topic.topic, b"key", b"handled")
    await first.until(lambda: len(first.records) == 1)
    first.failures = 1_000
    await producer.send(topic.topic, b"key", b"not handled")
    await first.until(lambda: first.failures < 1_000)
    await first.end()

    second = read(topic)
    await second.until(lambda: len(second.records) == 1)

    assert [each.value for each in second.records] == [b"not handled"]


async def test_a_stop_is_prompt_and_orderly(topic, read):
    reader = read(topic)
    async with asyncio.timeout(15):
        await reader.ready.wait()

    begun = time.monotonic()
    await reader.end()

    assert time.monotonic() - begun < 3


async def test_an_unknown_topic_is_not_made_and_not_waited_for(producer, topic):
    begun = time.monotonic()

    with pytest.raises(LogUnavailable):
        await producer.send(f"test-{new_random_id()}.v1", b"key", b"value")

    assert time.monotonic() - begun < 5


async def test_a_record_over_its_topics_limit_can_never_be_written(producer, topic, read):
    reader = read(topic)

    with pytest.raises(RecordTooLarge):
        await producer.send(topic.topic, b"key", b"x" * 1024 * 1024)
    with pytest.raises(RecordTooLarge):
        await producer.send(topic.topic, b"key", b"x" * 5 * 1024 * 1024)

    await producer.send(topic.topic, b"key", b"small")
    await reader.until(lambda: len(reader.records) == 1)


async def test_the_largest_record_fits_into_a_dead_letter(kafka_bootstrap, producer, topic):
    letters = replace(topic, topic=f"{topic.topic}.dead-letter")
    create_topics(kafka_bootstrap, [letters])

    await producer.send(topic.topic, b"key", b"x" * (1024 * 1024 - 512))
    ack = await producer.send(
        letters.topic, b"key", b"x" * (1024 * 1024 - 512), [("dl_h_x", b"x" * 16_000)]
    )

    assert ack.topic == letters.topic


async def test_the_record_carries_the_trace_of_its_sender(producer, topic, read):
    telemetry.start("test", otlp_endpoint=None, sample_ratio=1, instance="1", environment="test")
    reader = read(topic)

    with telemetry.span("work"):
        current = telemetry.current_traceparent()
        await producer.send(topic.topic, b"key", b"own")
    await producer.send(topic.topic, b"key", b"given", [("traceparent", current.encode())])

    await reader.until(lambda: len(reader.records) == 2)
    traces = [
        [text.decode() for name, text in each.headers if name == "traceparent"]
        for each in reader.records
    ]
    assert [len(each) for each in traces] == [1, 1]
    for (text,) in traces:
        assert text.split("-")[1] == current.split("-")[1]
        assert text.split("-")[2] != current.split("-")[2]
    with telemetry.consumer_span("read", reader.records[0].headers) as span:
        assert f"{span.get_span_context().trace_id:032x}" == current.split("-")[1]
