"""A replica on real PostgreSQL, Kafka and Redis, and an identity that answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition

from joinedup.notifications.v1 import outcome_pb2
from services.kit.log_producer import LogProducer
from services.kit.migrations import migrate
from services.kit.settings import REPOSITORY
from services.kit.topics import create_topics, load_topics
from services.notifications.bootstrap.outside import MIGRATIONS
from tests.integration.notifications.identity import Identity, Keys
from tests.integration.notifications.running import Around, Log, in_this_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.integration.notifications.running import Replica


# One replica serves all tests of a file, on one loop; each test has people of its own.
for_a_file = pytest_asyncio.fixture(scope="module", loop_scope="module")


def pytest_collection_modifyitems(items: list[Any]) -> None:
    for item in items:
        if "integration/notifications" in str(item.path):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def topics(kafka_bootstrap: str) -> str:
    create_topics(kafka_bootstrap, load_topics(REPOSITORY / "protos" / "topics"))
    return kafka_bootstrap


@for_a_file
async def identity(keys: Keys) -> AsyncIterator[Identity]:
    async with Identity(keys) as running:
        yield running


@pytest.fixture
async def migrated_url(database_url: str) -> str:
    await migrate(database_url, MIGRATIONS, "notifications")
    return database_url


@for_a_file
async def around(
    identity: Identity, keys: Keys, topics: str, module_database_url: str, redis_url: str
) -> Around:
    return Around(identity, keys, topics, module_database_url, redis_url)


@for_a_file
async def replica(around: Around) -> AsyncIterator[Replica]:
    async with in_this_process(around) as running:
        yield running


@for_a_file
async def log(topics: str) -> AsyncIterator[Log]:
    producer = LogProducer(topics, "test")
    await producer.start()
    yield Log(producer)
    await producer.close()


@pytest_asyncio.fixture(loop_scope="module")
async def outcomes(topics: str) -> AsyncIterator[Callable[[str], Awaitable[list[Any]]]]:
    """Reads what is told from now on, until something was told of one prompt: all of it."""
    consumer = AIOKafkaConsumer(bootstrap_servers=topics, auto_offset_reset="latest")
    await consumer.start()
    consumer.assign([TopicPartition("outcomes.v1", number) for number in range(4)])
    await consumer.seek_to_end()

    async def until(prompt_id: str) -> list[Any]:
        found: list[Any] = []
        async with asyncio.timeout(15):
            while not found or found[-1].prompt_id != prompt_id:
                record = await consumer.getone()
                found.append(outcome_pb2.PromptOutcome.FromString(record.value))
        return found

    yield until
    await consumer.stop()
