"""Every change reaches the log, in order for each person, whatever is away meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

import pytest
from kafka import KafkaConsumer, TopicPartition
from opentelemetry.trace import format_trace_id

from joinedup.identity.v1.permission_set_pb2 import PermissionSet
from services.identity.adapters.outbox_relay import AT_ONCE, OutboxRelay
from services.identity.wire.permissions import PERMISSIONS
from services.kit import telemetry
from services.kit.codec import decode
from services.kit.log_producer import LogProducer, LogUnavailable
from services.kit.settings import REPOSITORY
from services.kit.topics import create_topics, load_topics
from tests.builders import a_nino, a_register_request
from tests.integration.identity.running import eventually

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module", autouse=True)
def tracing():
    telemetry.start(
        "identity", otlp_endpoint=None, sample_ratio=1.0, instance="1", environment="test"
    )


@pytest.fixture(scope="module")
def log(kafka_bootstrap):
    declared = load_topics(REPOSITORY / "protos" / "topics")
    create_topics(kafka_bootstrap, [declared[PERMISSIONS]])
    return kafka_bootstrap


@pytest.fixture
async def producer(log):
    made = LogProducer(log, "identity-test")
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def relay(identity, producer):
    return OutboxRelay(identity.pool, producer)


async def waiting(identity):
    async with identity.pool.connection() as connection:
        row = await (await connection.execute("SELECT count(*) FROM outbox")).fetchone()
    return row[0]


def read_all(log, handles):
    """Every record of these people on the topic, in the order of its partition."""
    consumer = KafkaConsumer(bootstrap_servers=log, enable_auto_commit=False)
    partitions = [
        TopicPartition(PERMISSIONS, n) for n in consumer.partitions_for_topic(PERMISSIONS)
    ]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    records = []
    while any(consumer.position(each) < ends[each] for each in partitions):
        for batch in consumer.poll(timeout_ms=200).values():
            records += [record for record in batch if record.key.decode() in handles]
    consumer.close()
    return records


async def test_a_change_is_a_record_that_others_can_read(identity, mair, relay, log):
    await identity.give(mair)
    with telemetry.span("withdrawing") as current:
        trace_id = format_trace_id(current.get_span_context().trace_id)
        await identity.withdraw(mair)

    while await relay.relay_once():
        continue

    records = await asyncio.to_thread(read_all, log, {mair})
    sets = [decode(record.value, record.headers, PermissionSet) for record in records]
    assert all(isinstance(each, PermissionSet) for each in sets)
    assert [each.serial for each in sets if isinstance(each, PermissionSet)] == [1, 2]
    assert [sets[-1]] == list(await identity.snapshot(mair))
    headers = dict(records[-1].headers)
    assert headers["ce_type"] == b"joinedup.identity.v1.PermissionSet"
    assert headers["ce_source"] == b"urn:joinedup:identity"
    assert len({dict(record.headers)["ce_id"] for record in records}) == 2
    assert headers["traceparent"].split(b"-")[1] == trace_id.encode()
    assert await waiting(identity) == 0


async def test_the_relay_is_woken_by_a_commit(identity, mair, relay):
    await identity.give(mair)
    assert identity.saved.is_set()

    stop = asyncio.Event()
    running = asyncio.create_task(relay.run(stop))

    async def told():
        return await waiting(identity) == 0

    await eventually(told)
    stop.set()
    relay.wake()
    await running


async def test_relays_of_two_processes_keep_each_persons_order(identity, producer, log):
    people = [
        (await identity.register(a_register_request(a_nino(number)))).subject for number in range(6)
    ]
    for _ in range(5):
        for person in people:
            await identity.give(person)
            await identity.withdraw(person)

    async def drain(relay):
        while await waiting(identity):
            await relay.relay_once()

    await asyncio.gather(*(drain(OutboxRelay(identity.pool, producer)) for _ in range(3)))

    records = await asyncio.to_thread(read_all, log, set(people))
    for person in people:
        serials = [
            PermissionSet.FromString(record.value).serial
            for record in records
            if record.key.decode() == person
        ]
        assert serials == list(range(1, 11))


@dataclass
class SlowLog:
    """A log that takes its time, until it is let go."""

    inner: LogProducer
    asked: asyncio.Event
    let_go: asyncio.Event

    async def send(self, *record):
        self.asked.set()
        await self.let_go.wait()
        return await self.inner.send(*record)


async def test_a_later_change_waits_for_the_earlier_one(identity, mair, producer, relay, log):
    await identity.give(mair)
    await identity.withdraw(mair)
    slow = SlowLog(producer, asyncio.Event(), asyncio.Event())
    first = OutboxRelay(identity.pool, cast("LogProducer", slow), at_once=1)
    telling = asyncio.create_task(first.relay_once())
    await slow.asked.wait()

    assert await relay.relay_once() == 0
    slow.let_go.set()

    assert await telling == 1
    assert await relay.relay_once() == 1
    records = await asyncio.to_thread(read_all, log, {mair})
    assert [PermissionSet.FromString(record.value).serial for record in records] == [1, 2]


@dataclass
class AwayLog:
    """A log that is away after some records, as a producer meets it."""

    inner: LogProducer
    left: int

    async def send(self, *record):
        if not self.left:
            raise LogUnavailable("away")
        self.left -= 1
        return await self.inner.send(*record)


async def test_what_the_log_did_not_take_is_told_again(identity, mair, producer, relay, log):
    other = (await identity.register(a_register_request(a_nino(2)))).subject
    for person in (mair, other):
        await identity.give(person)

    with pytest.raises(LogUnavailable):
        await OutboxRelay(identity.pool, cast("LogProducer", AwayLog(producer, 1))).relay_once()
    assert await waiting(identity) == 2
    assert await relay.relay_once() == 2

    records = await asyncio.to_thread(read_all, log, {mair, other})
    told = [(r.key.decode(), PermissionSet.FromString(r.value).serial) for r in records]
    assert set(told) == {(mair, 1), (other, 1)}
    ids = {dict(record.headers)["ce_id"] for record in records}
    assert (len(records), len(ids)) == (3, 2)


async def test_a_relay_takes_a_bounded_number(identity, mair, relay):
    async with identity.pool.connection() as connection:
        await connection.execute(
            "INSERT INTO outbox (id, handle, value, traceparent, created_at)"
            " SELECT 'id' || n, 'h' || n, '\\x0a0161', '', now() FROM generate_series(1, %s) n",
            [AT_ONCE + 1],
        )

    assert [await relay.relay_once() for _ in range(3)] == [AT_ONCE, 1, 0]
