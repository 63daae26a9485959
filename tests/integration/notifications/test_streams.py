"""Devices on their streams: resumed, slow, many, at another replica, and while parts are away."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import grpc
import psycopg
import pytest

from deploy.local.servers import redis_server
from joinedup.notifications.v1 import prompts_pb2, prompts_pb2_grpc
from services.kit.ids import new_random_id
from services.kit.rpc import reason_of
from services.notifications import metrics
from services.notifications.adapters.postgres.decisions import PostgresDecisions
from services.notifications.adapters.postgres.store import Store
from tests.integration.notifications.running import (
    Around,
    Person,
    as_a_process,
    eventually,
    in_this_process,
)
from tests.ports import free_port
from tests.unit.notifications.builders import a_decision, a_nudge_decision, an_arrival

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")
MANY = 1500  # more than a client that does not read can hold, and the server's queue
NOWHERE = "redis://127.0.0.1:9/0"
# A client that reads nothing holds this much of what is written to it, not megabytes.
SMALL_WINDOW = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_535)]


@pytest.fixture
def closed_streams(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Why the streams of this process were closed from its side, as its measure is told."""
    reasons: list[str] = []

    class Counter:
        def add(self, _number: int, attributes: dict[str, str]) -> None:
            reasons.append(attributes["joinedup.reason"])

    monkeypatch.setattr(metrics, "CLOSED_STREAMS", Counter())
    return reasons


async def fill(database: str, subject: str, number: int) -> list[str]:
    """Put decided prompts for the stream straight into the ledger, as its consumer does."""
    store = Store(database)
    await store.open()
    nudges = [a_nudge_decision(channels=["stream"]) for _ in range(number)]
    arrivals = [an_arrival(a_decision(nudge, subject=subject)) for nudge in nudges]
    await PostgresDecisions(store).admit(arrivals, datetime.now(UTC))
    await store.close()
    return [nudge.prompt_id for nudge in nudges]


async def test_a_device_resumes_from_its_cursor_and_a_second_one_gets_everything(
    replica, around, identity
):
    mair = replica.person(new_random_id())
    identity.give(mair.subject)
    prompts = await fill(around.database, mair.subject, 10)
    async with mair.listening() as first:
        await first.got(10)
    middle = first.frames[3].cursor

    async with mair.listening(middle) as resumed, mair.listening() as second:
        await resumed.got(6)
        await second.got(10)

    assert sorted(first.prompts) == sorted(prompts)
    assert resumed.prompts == first.prompts[4:]
    assert second.prompts == first.prompts


async def test_what_was_opened_does_not_come_again(replica, around, identity):
    mair = replica.person(new_random_id())
    identity.give(mair.subject)
    await fill(around.database, mair.subject, 3)
    async with mair.listening() as stream:
        opened, *left = await stream.got(3)
        await mair.open(opened, "stream")

    async with mair.listening() as stream:
        assert await stream.got(2) == left


async def test_a_cursor_that_was_not_made_here_is_refused(replica, identity, around):
    mair, nia = replica.person(new_random_id()), replica.person(new_random_id())
    identity.give(mair.subject)
    await fill(around.database, mair.subject, 1)
    async with mair.listening() as stream:
        await stream.got(1)

    for person, cursor in ((nia, stream.frames[0].cursor), (mair, "AAAA"), (mair, "not base64!")):
        async with person.listening(cursor) as refused:
            await refused.ended.wait()
        assert refused.error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert reason_of(refused.error) == "cursor_invalid"


async def test_a_person_has_ten_streams_at_most(replica, around, identity):
    mair = replica.person(new_random_id())
    async with AsyncExitStack() as streams:
        for _ in range(10):
            await streams.enter_async_context(mair.listening())
        async with mair.listening() as eleventh:
            await eleventh.ended.wait()

        assert reason_of(eleventh.error) == "too_many_streams"
    identity.give(mair.subject)
    await fill(around.database, mair.subject, 1)
    async with mair.listening() as again:
        await again.got(1)
        assert not again.ended.is_set()


async def test_a_reader_who_does_not_read_is_closed_and_loses_nothing(
    around, identity, closed_streams
):
    async with in_this_process(around, slow_reader_seconds=0.5) as replica:
        mair = replica.person(new_random_id())
        identity.give(mair.subject)
        prompts = await fill(around.database, mair.subject, MANY)
        async with not_reading(mair) as call:
            await eventually(lambda: "slow_reader" in closed_streams)
            frames, ended = await all_of(call)
        async with mair.listening(frames[-1].cursor, confirm=False) as stream:
            await stream.got(MANY - len(frames), 30)

    assert ended.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason_of(ended) == "slow_reader"
    assert len(frames) < MANY
    assert {frame.prompt_id for frame in frames} | set(stream.prompts) == set(prompts)


@asynccontextmanager
async def not_reading(person: Person) -> AsyncIterator[Any]:
    """A stream that stands, and that nobody reads from."""
    async with grpc.aio.insecure_channel(person.replica.target, SMALL_WINDOW) as channel:
        call = prompts_pb2_grpc.PromptsStub(channel).Subscribe(
            prompts_pb2.SubscribeRequest(),
            timeout=60,
            metadata=(("authorization", f"Bearer {person.token}"),),
        )
        await call.initial_metadata()
        yield call


async def all_of(call: Any) -> tuple[list[prompts_pb2.SealedPrompt], grpc.aio.AioRpcError]:
    """Everything that was written to a stream, up to its end."""
    frames = []
    try:
        while isinstance(item := await call.read(), prompts_pb2.SubscribeResponse):
            frames.append(item.prompt)
    except grpc.aio.AioRpcError as ended:
        return frames, ended
    raise AssertionError("the stream ended as if nothing had happened")


async def test_a_slow_reader_does_not_hold_up_a_quick_one(around, identity, closed_streams):
    async with in_this_process(around, slow_reader_seconds=0.5) as replica:
        mair = replica.person(new_random_id())
        identity.give(mair.subject)
        async with mair.listening(confirm=False) as quick, not_reading(mair) as slow:
            await fill(around.database, mair.subject, MANY)
            await quick.got(MANY, 40)
            await eventually(lambda: "slow_reader" in closed_streams)
            _, ended = await all_of(slow)

    assert len(set(quick.prompts)) == MANY
    assert reason_of(ended) == "slow_reader"
    assert quick.failed is None


async def test_a_quiet_stream_has_a_heartbeat(around):
    async with (
        in_this_process(around, heartbeat_seconds=0.2) as replica,
        replica.person(new_random_id()).listening() as stream,
    ):
        await eventually(lambda: stream.heartbeats > 1)


async def test_a_stream_ends_at_its_age(around):
    async with (
        in_this_process(around, stream_max_age_seconds=0.5) as replica,
        replica.person(new_random_id()).listening() as stream,
    ):
        await asyncio.wait_for(stream.ended.wait(), 5)

    assert stream.failed is None


async def test_a_prompt_reaches_a_device_at_the_other_replica(around, identity, log):
    async with in_this_process(around) as one, in_this_process(around) as other:
        people = [one.person(new_random_id()), other.person(new_random_id())]
        for person in people:
            identity.give(person.subject)
        async with people[0].listening() as first, people[1].listening() as second:
            for person in people:
                await log.decide(a_decision(subject=person.subject))
            await first.got(1)
            await second.got(1)
        at_both = other.person(people[0].subject)
        async with people[0].listening() as here, at_both.listening() as there:
            await here.got(1)
            await there.got(1)


async def test_without_redis_prompts_arrive_all_the_same(around, identity, log):
    lonely = Around(around.identity, around.keys, around.kafka, around.database, NOWHERE)
    async with in_this_process(lonely) as one, in_this_process(lonely) as other:
        people = [one.person(new_random_id()), other.person(new_random_id())]
        for person in people:
            identity.give(person.subject)
        async with people[0].listening() as first, people[1].listening() as second:
            for person in people:
                await log.decide(a_decision(subject=person.subject))
            await first.got(1)
            await second.got(1)


@asynccontextmanager
async def own_redis(folder: Path) -> AsyncIterator[tuple[str, Any]]:
    """A Redis that a test may kill."""
    port = free_port()

    async def start() -> Any:
        process = await asyncio.create_subprocess_exec(
            *redis_server.command("redis-server", port, folder),
            stdout=asyncio.subprocess.DEVNULL,
        )

        async def answers() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return False
            writer.close()
            return True

        await eventually(answers)
        return process

    running = [await start()]

    async def restart() -> None:
        running.append(await start())

    def kill() -> None:
        running[-1].send_signal(signal.SIGKILL)

    try:
        yield f"redis://127.0.0.1:{port}/0", (kill, restart)
    finally:
        for process in running:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def test_redis_may_be_killed_and_come_back_in_the_middle(around, identity, log, tmp_path):
    async with own_redis(tmp_path) as (url, (kill, restart)):
        on_it = Around(around.identity, around.keys, around.kafka, around.database, url)
        async with in_this_process(on_it) as one, in_this_process(on_it) as other:
            person = new_random_id()
            identity.give(person)
            here, there = one.person(person).listening(), other.person(person).listening()
            async with here as first, there as second:
                for number, step in enumerate((None, kill, None, restart, None), start=1):
                    if step is not None and asyncio.iscoroutine(done := step()):
                        await done
                    await log.decide(a_decision(subject=person))
                    await first.got(number)
                    await second.got(number)


async def test_a_killed_replica_s_prompts_are_delivered_by_the_other(around, identity, log):
    async with in_this_process(around) as survivor:
        async with as_a_process(around) as (victim, process):
            mair = new_random_id()
            identity.give(mair)
            async with victim.person(mair).listening() as before:
                await log.decide(a_decision(subject=mair))
                await before.got(1)
                # Claimed and never sent: the state of a process that dies before its write ends.
                await fill(around.database, mair, 1)
                await before.got(2)
                process.send_signal(signal.SIGKILL)
                await before.ended.wait()
            undelivered = await fill(around.database, mair, 3)
            claimed_by_the_dead(around.database, undelivered[0])
            cursor = before.frames[-1].cursor
            for _ in range(3):
                await log.decide(a_decision(subject=mair))

        async with survivor.person(mair).listening(cursor) as after:
            got = await after.got(6, 30)

    assert set(undelivered) <= set(got)
    assert not set(got) & set(before.prompts)


def claimed_by_the_dead(database: str, prompt_id: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "UPDATE ledger SET state = 'claimed', fence = 1, attempt = 1,"
            " lease_expires = clock_timestamp() + interval '1 second'"
            " WHERE prompt_id = %s",
            (prompt_id,),
        )
