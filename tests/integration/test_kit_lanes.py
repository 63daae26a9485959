"""Topics read side by side on a real broker: none waits for another, and nothing is skipped."""

import asyncio
import contextlib
import time
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer
from kafka import KafkaProducer

from services.kit.ids import new_random_id
from services.kit.log_consumer import Record
from services.kit.log_lanes import consume_apart
from services.kit.topics import Topic, create_topics, pattern_of
from tests.inbound_topic import NoText
from tests.waiting import heard

pytestmark = pytest.mark.integration

BOMB_BYTES = 100_000_000


class Shops:
    """Topics of one template, and a producer of a stranger's."""

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.name = f"test-{new_random_id()}.{{shop}}.v1"
        self.template = Topic(
            topic=self.name,
            description="Made for one test.",
            value="bytes",
            key="any",
            producers=("test",),
            consumers=("test",),
            partitions=1,
            retention_hours=1,
            compacted=False,
            personal_data="none",
        )
        self.producer = KafkaProducer(bootstrap_servers=bootstrap)

    def open(self, *shops):
        create_topics(self.bootstrap, [self.template.of(shop=each) for each in shops])

    def put(self, shop, *values, headers=()):
        topic = self.template.of(shop=shop).topic
        for value in values:
            self.producer.send(topic, value, headers=list(headers))
        self.producer.flush(10)


@pytest.fixture
def shops(kafka_bootstrap):
    made = Shops(kafka_bootstrap)
    yield made
    made.producer.close()


class Reader:
    """Everything that comes, by shop; a shop can be told to fail or to hold."""

    def __init__(self, shops):
        self.shops = shops
        self.records: dict[str, list[Record]] = {}
        self.failing: set[str] = set()
        self.tries = 0
        self.ready = asyncio.Event()
        self.stop = asyncio.Event()
        self.assignments = 0
        self._task = asyncio.create_task(
            consume_apart(
                bootstrap=shops.bootstrap,
                pattern=pattern_of(shops.name),
                group=shops.name,
                handle=self._handle,
                ready=self._assigned,
                stop=self.stop,
                max_records=10,
            )
        )

    def _assigned(self):
        self.assignments += 1
        self.ready.set()

    async def _handle(self, batch):
        (topic,) = {each.topic for each in batch}
        shop = topic.split(".")[1]
        if shop in self.failing:
            self.tries += 1
            raise ConnectionError("away")
        self.records.setdefault(shop, []).extend(batch)

    def values(self, shop):
        return [each.value for each in self.records.get(shop, ())]

    async def until(self, condition, seconds=20.0):
        async with asyncio.timeout(seconds):
            while not condition():
                if self._task.done():
                    self._task.result()
                    raise AssertionError("the consumer ended")
                await asyncio.sleep(0.02)

    async def end(self):
        self.stop.set()
        await self._task


@pytest.fixture
async def read(shops):
    readers = []

    async def start():
        readers.append(Reader(shops))
        await readers[-1].until(readers[-1].ready.is_set)
        return readers[-1]

    yield start
    for each in readers:
        with contextlib.suppress(Exception):
            await each.end()


async def test_each_topic_is_read_in_order(shops, read):
    shops.open("north", "south")
    reader = await read()

    values = [str(number).encode() for number in range(35)]
    shops.put("north", *values)
    shops.put("south", b"one", headers=[("empty", b"")])

    await reader.until(lambda: len(reader.values("north")) == 35 and reader.values("south"))
    assert reader.values("north") == values
    (record,) = reader.records["south"]
    assert record.headers == [("empty", b"")]
    assert record.broker_time
    assert abs(record.timestamp_ms / 1000 - time.time()) < 60


async def test_a_topic_that_stands_still_holds_up_no_other(shops, read):
    shops.open("north", "south")
    reader = await read()
    reader.failing.add("north")
    shops.put("north", b"first")
    await reader.until(lambda: reader.tries >= 3)

    for number in range(20):
        shops.put("south", str(number).encode())
    await reader.until(lambda: len(reader.values("south")) == 20)

    assert reader.values("north") == []
    reader.failing.clear()
    await reader.until(lambda: reader.values("north") == [b"first"])


async def test_a_topic_that_is_made_later_is_read_within_seconds(shops, read):
    reader = await read()
    assert reader.records == {}
    shops.open("late")
    shops.put("late", b"before anybody knew")

    await reader.until(lambda: reader.values("late") == [b"before anybody knew"], 10)

    shops.open("later")
    shops.put("later", b"one")
    shops.put("late", b"two")
    await reader.until(lambda: reader.values("later") == [b"one"], 10)
    await reader.until(lambda: reader.values("late")[-1] == b"two")


async def test_what_was_handled_is_not_handed_to_the_next(shops, read):
    shops.open("north", "south")
    first = await read()
    first.failing.add("south")
    shops.put("north", b"handled")
    shops.put("south", b"not handled")
    await first.until(lambda: first.values("north") and first.tries)
    begun = time.monotonic()
    await first.end()
    assert time.monotonic() - begun < 6

    second = await read()
    shops.put("north", b"new")
    await second.until(lambda: second.values("north") and second.values("south"))

    assert second.values("north") == [b"new"]
    assert second.values("south") == [b"not handled"]


async def test_what_a_transaction_gave_up_does_not_count(shops, read):
    shops.open("north")
    reader = await read()
    producer = KafkaProducer(
        bootstrap_servers=shops.bootstrap, transactional_id=new_random_id(), linger_ms=0
    )
    producer.init_transactions()
    topic = shops.template.of(shop="north").topic
    for value, end in (
        (b"given up", producer.abort_transaction),
        (b"kept", producer.commit_transaction),
    ):
        producer.begin_transaction()
        await asyncio.to_thread(producer.send(topic, value).get, 10)
        end()
    producer.close()

    await reader.until(lambda: reader.values("north"))
    assert reader.values("north") == [b"kept"]


async def test_a_producers_own_clock_is_told_from_the_brokers(shops, read, kafka_bootstrap):
    declared = shops.template.of(shop="north")
    settings = {**declared.broker_settings(), "message.timestamp.type": "CreateTime"}
    own = replace(declared, description="By the producer's clock.")
    object.__setattr__(own, "broker_settings", lambda: settings)
    create_topics(kafka_bootstrap, [own])
    reader = await read()

    shops.producer.send(declared.topic, b"old", timestamp_ms=1)
    shops.producer.flush(10)

    await reader.until(lambda: reader.values("north"))
    (record,) = reader.records["north"]
    assert (record.timestamp_ms, record.broker_time) == (1, False)


async def test_what_the_client_cannot_read_stops_nobody(shops, read):
    shops.open("north", "south")
    reader = await read()
    slow = KafkaProducer(bootstrap_servers=shops.bootstrap, linger_ms=2_000)
    topic = shops.template.of(shop="north").topic
    with heard("services.kit.log_lanes") as said:
        for number in range(5):
            name = NoText("a") if number == 2 else "a"
            slow.send(topic, str(number).encode(), headers=[(name, b"x")])
        slow.flush(10)
        slow.send(topic, b"next")
        slow.close()
        shops.put("south", b"one")

        await reader.until(lambda: b"next" in reader.values("north") and reader.values("south"))

    # They travelled in one batch, of which nothing can be read from the third on.
    assert reader.values("north") == [b"0", b"1", None, None, None, b"next"]
    assert [each.unreadable for each in reader.records["north"]] == [
        *[False] * 2,
        *[True] * 3,
        False,
    ]
    assert [each.offset for each in reader.records["north"]] == list(range(6))
    assert said == [("record unreadable", "")] * 3


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])
async def test_a_batch_that_would_fill_the_memory_stops_nobody(shops, read, codec):
    shops.open("north", "south")
    reader = await read()
    packing = AIOKafkaProducer(
        bootstrap_servers=shops.bootstrap,
        compression_type=codec,
        max_request_size=2 * BOMB_BYTES,
        max_batch_size=2 * BOMB_BYTES,
    )
    topic = shops.template.of(shop="north").topic
    async with packing:
        await packing.send_and_wait(topic, bytes(BOMB_BYTES))
        await packing.send_and_wait(topic, b"small")
    shops.put("south", b"one")

    await reader.until(lambda: len(reader.values("north")) == 2 and reader.values("south"))

    assert reader.values("north") == [None, b"small"]
    assert reader.records["north"][0].unreadable
