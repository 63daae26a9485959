"""What comes off the log and can never be read is set aside; what passes is waited for."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition

from joinedup.notifications.v1 import decisions_pb2
from services.kit.ids import new_random_id
from services.kit.settings import REPOSITORY
from tests.integration.notifications.running import Around, eventually, in_this_process
from tests.unit.notifications.builders import a_decision, a_nudge_decision, a_set_message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")
DECODES = {"ce_specversion": b"1.0", "ce_id": b"1", "ce_source": b"urn:test"}
TYPED = {**DECODES, "ce_type": b"joinedup.nudges.v1.Decision"}


@pytest_asyncio.fixture(loop_scope="module")
async def dead_letters(topics: str) -> AsyncIterator[Any]:
    consumers = {}
    for topic in ("decisions.v1", "permissions.v1"):
        consumer = AIOKafkaConsumer(bootstrap_servers=topics)
        await consumer.start()
        consumer.assign([TopicPartition(f"{topic}.dead-letter", 0)])
        await consumer.seek_to_end()
        await consumer.position(TopicPartition(f"{topic}.dead-letter", 0))
        consumers[topic] = consumer

    async def next_of(topic: str, number: int = 1) -> list[Any]:
        """The next letters of this service; another reader of the topic writes its own."""
        found: list[Any] = []
        async with asyncio.timeout(20):
            while len(found) < number:
                letter = await consumers[topic].getone()
                if header(letter, "dl_service") == "notifications":
                    found.append(letter)
        return found

    yield next_of
    for consumer in consumers.values():
        await consumer.stop()


def header(record: Any, name: str) -> str:
    return str(dict(record.headers)[name], "ascii")


@pytest.mark.parametrize(
    "poison",
    [
        (b"\xff\xfe random \x00", TYPED, "decode"),
        (b"", TYPED, "empty"),
        (None, TYPED, "unexpected_tombstone"),
        (b"x", {**DECODES, "ce_type": b"joinedup.nudges.v2.Decision"}, "schema_future"),
        (b"x", {f"h{n}": b"v" for n in range(100)}, "headers"),
    ],
    ids=lambda poison: poison[2],
)
async def test_what_cannot_be_read_is_set_aside_and_the_next_one_arrives(
    replica, identity, log, dead_letters, poison
):
    value, headers, reason = poison
    mair = replica.person(new_random_id())
    identity.give(mair.subject)
    key = mair.subject.encode()

    await log.raw("decisions.v1", key, value, list(headers.items()))
    await log.decide(a_decision(subject=mair.subject))
    (letter,) = await dead_letters("decisions.v1")

    assert header(letter, "dl_reason") == reason
    assert (letter.key, letter.value or b"") == (key, value or b"")
    await eventually(mair.inbox)


async def test_records_that_contradict_themselves_are_set_aside(
    replica, identity, log, dead_letters
):
    nia = new_random_id()
    foreign = a_decision()
    nameless = a_decision(a_nudge_decision(prompt_id=""))
    future = a_decision(a_nudge_decision(outcome=77))

    await log.decide(foreign, key=nia.encode())
    await log.decide(nameless)
    await log.decide(future)
    letters = await dead_letters("decisions.v1", 3)

    assert sorted(header(each, "dl_reason") for each in letters) == [
        "decode",
        "key_mismatch",
        "schema_future",
    ]


async def test_a_set_of_nobody_is_set_aside_and_the_next_one_is_taken(
    replica, identity, log, dead_letters
):
    mair = replica.person(new_random_id())
    await log.tell(a_set_message("nobody", 1), key=b"nobody")
    await log.tell(a_set_message(new_random_id(), 1), key=mair.subject.encode())
    letters = await dead_letters("permissions.v1", 2)

    assert sorted(header(each, "dl_reason") for each in letters) == ["decode", "key_mismatch"]


async def test_connections_that_the_database_ended_are_replaced(replica, identity, log, around):
    mair = replica.person(new_random_id())
    identity.give(mair.subject)
    for _ in range(3):
        before = len(await mair.inbox())
        end_connections(around.database)
        await log.decide(a_decision(subject=mair.subject))
        await eventually(lambda: _more_than(mair, before))  # noqa: B023  # awaited at once


async def _more_than(person: Any, number: int) -> bool:
    return len(await person.inbox()) > number


def end_connections(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_a_prompt_of_a_version_not_yet_loaded_waits_for_it(
    around: Around, identity, log, tmp_path
):
    catalogue = tmp_path / "catalogue"
    shutil.copytree(REPOSITORY / "catalogue", catalogue)
    async with in_this_process(around, catalogue_dir=catalogue) as replica:
        mair = replica.person(new_random_id())
        identity.give(mair.subject)
        newer = a_nudge_decision(version="9.1")
        decision = a_decision(newer, subject=mair.subject)
        await log.decide(decision)
        explain = decisions_pb2.ExplainRequest(id=newer.prompt_id)

        async def known() -> bool:
            try:
                return bool((await mair.explain(explain)).decisions)
            except Exception:  # noqa: BLE001  # not there yet
                return False

        await eventually(known)
        behind = a_decision(subject=mair.subject)
        await log.decide(behind)
        await eventually(mair.inbox)
        assert list(await mair.inbox()) == [behind.nudges[0].prompt_id]

        write_version(catalogue, "9.1")

        await eventually(lambda: _more_than(mair, 1))
        assert (await mair.open(newer.prompt_id)).why.nudge == "family.child-benefit 9.1"


async def test_a_scheduled_prompt_is_rendered_with_the_newest_minor_of_its_major(
    around: Around, identity, log, tmp_path
):
    catalogue = tmp_path / "catalogue"
    shutil.copytree(REPOSITORY / "catalogue", catalogue)
    write_version(catalogue, "9.0")
    async with in_this_process(around, catalogue_dir=catalogue) as replica:
        write_version(catalogue, "9.3")
        await eventually(lambda: kept(around.database, 9, 3))
        mair = replica.person(new_random_id())
        identity.give(mair.subject)
        issued = a_nudge_decision(version="9.0")
        scheduled = a_nudge_decision(version="9.0", outcome=2, due_at=None)
        await log.decide(a_decision(issued, scheduled, subject=mair.subject))
        await eventually(lambda: _more_than(mair, 1))

        opened = [await mair.open(each.prompt_id) for each in (issued, scheduled)]

    assert [each.why.nudge.split()[1] for each in opened] == ["9.0", "9.3"]


def kept(database: str, major: int, minor: int) -> bool:
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT 1 FROM nudge_versions WHERE major = %s AND minor = %s", (major, minor)
        )
        return found.fetchone() is not None


def write_version(catalogue: Any, version: str) -> None:
    path = catalogue / "nudges" / "family" / "child-benefit.yaml"
    lines = [
        f'version: "{version}"' if line.startswith("version:") else line
        for line in path.read_text().splitlines()
    ]
    path.write_text("\n".join(lines) + "\n")
