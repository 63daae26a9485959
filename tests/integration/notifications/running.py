"""Notifications as it runs, people who call it, and the log it reads."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from pydantic import SecretStr

from joinedup.events.v1 import life_event_record_pb2
from joinedup.identity.v1 import permission_set_pb2
from joinedup.notifications.v1 import (
    decisions_pb2_grpc,
    fences_pb2_grpc,
    prompts_pb2,
    prompts_pb2_grpc,
)
from joinedup.nudges.v1 import decision_pb2
from services.kit import rpc
from services.kit.codec import encode
from services.kit.log_producer import LogProducer
from services.kit.settings import REPOSITORY
from services.notifications.bootstrap import serve
from services.notifications.settings import NotificationsSettings
from tests.ports import free_port
from tests.unit.notifications.builders import NOW

if TYPE_CHECKING:
    from tests.integration.notifications.identity import Identity, Keys

STREAM_SECONDS = 60.0


async def eventually(
    holds: Callable[[], Any], seconds: float = 10.0, what: str = "it never came true"
) -> Any:
    """Wait until a function, or what it awaits, answers something true; answers that."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        answer = holds()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return answer
        assert asyncio.get_running_loop().time() < deadline, what
        await asyncio.sleep(0.02)


async def http_status(port: int, path: str = "/health/ready") -> int:
    with suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return int(answer.split()[1])
    return 0


@dataclass(frozen=True)
class Around:
    """What a replica stands on."""

    identity: Identity
    keys: Keys
    kafka: str
    database: str
    redis: str

    def settings(self, **changed: Any) -> NotificationsSettings:
        keys = self.keys
        about: dict[str, Any] = {
            "environment": "test",
            "grpc_port": free_port(),
            "probe_port": free_port(),
            "kafka_bootstrap": self.kafka,
            "database_url": SecretStr(self.database),
            "redis_url": SecretStr(self.redis),
            "identity_target": self.identity.target,
            "service_key_file": keys.private("notifications"),
            "service_keys_dir": keys.folder,
            "person_token_public_key_file": keys.public("person-tokens"),
            "cursor_key_file": keys.cursors,
            "log_level": "warning",
        }
        return NotificationsSettings(**about | changed)


class Replica:
    """One process's worth of notifications, and ways to call it."""

    def __init__(self, settings: NotificationsSettings, keys: Keys) -> None:
        self.settings = settings
        self.target = f"127.0.0.1:{settings.grpc_port}"
        self.keys = keys
        self.channels: list[grpc.aio.Channel] = []

    def channel(self, token: Callable[[], str] | None, *options: Any) -> grpc.aio.Channel:
        made = rpc.connect(self.target, token=token)
        self.channels.append(made)
        return made

    def service(self, name: str) -> grpc.aio.Channel:
        return self.channel(self.keys.service_token(name, "notifications"))

    @property
    def fences(self) -> Any:
        return fences_pb2_grpc.FencesStub(self.service("identity"))

    @property
    def explain(self) -> Any:
        return decisions_pb2_grpc.DecisionsStub(self.service("operator")).Explain

    def person(self, subject: str) -> Person:
        token = self.keys.person_token(subject)
        return Person(self, subject, token, self.channel(lambda: token))

    async def ready(self, seconds: float = 30.0) -> None:
        async def is_ready() -> bool:
            return await http_status(self.settings.probe_port) == 200

        await eventually(is_ready, seconds, "notifications is not ready")

    async def close(self) -> None:
        for channel in self.channels:
            await channel.close()


class Person:
    """Somebody with a token: opens, lists, responds and listens."""

    def __init__(
        self, replica: Replica, subject: str, token: str, channel: grpc.aio.Channel
    ) -> None:
        self.replica = replica
        self.subject = subject
        self.token = token
        self.stub = prompts_pb2_grpc.PromptsStub(channel)
        self.explain = decisions_pb2_grpc.DecisionsStub(channel).Explain

    async def open(self, prompt_id: str, channel: str = "inbox", language: str = "en") -> Any:
        return await self.stub.Open(
            prompts_pb2.OpenRequest(prompt_id=prompt_id, channel=channel, language=language)
        )

    async def respond(self, prompt_id: str, response: Any, channel: str = "stream") -> int:
        request = prompts_pb2.RespondRequest(
            prompt_id=prompt_id, channel=channel, response=response
        )
        return int((await self.stub.Respond(request)).state)

    async def inbox(self) -> dict[str, int]:
        listed = await self.stub.List(prompts_pb2.ListRequest())
        return {entry.prompt_id: entry.state for entry in listed.entries}

    @asynccontextmanager
    async def listening(self, cursor: str = "", **about: Any) -> AsyncIterator[Stream]:
        call = self.stub.Subscribe(
            prompts_pb2.SubscribeRequest(cursor=cursor), timeout=STREAM_SECONDS
        )
        stream = Stream(self, call, **about)
        try:
            yield await stream.start()
        finally:
            await stream.stop()


class Stream:
    """A device's stream: what came on it, and how it ended."""

    def __init__(self, person: Person, call: Any, *, confirm: bool = True) -> None:
        self.person = person
        self.frames: list[prompts_pb2.SealedPrompt] = []
        self.withdrawn: list[prompts_pb2.WithdrawnPrompt] = []
        self.heartbeats = 0
        self.failed: grpc.aio.AioRpcError | None = None
        self.ended = asyncio.Event()
        self._call = call
        self._confirm = confirm

    async def start(self) -> Stream:
        await self._call.initial_metadata()
        self._task = asyncio.create_task(self._read())
        return self

    async def stop(self) -> None:
        self._call.cancel()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @property
    def error(self) -> grpc.aio.AioRpcError:
        assert self.failed is not None, "the stream has not failed"
        return self.failed

    @property
    def prompts(self) -> list[str]:
        return [frame.prompt_id for frame in self.frames]

    async def got(self, number: int, seconds: float = 10.0) -> list[str]:
        await eventually(
            lambda: len(self.frames) >= number or self.failed,
            seconds,
            f"{len(self.frames)} of {number} frames came",
        )
        return self.prompts

    async def took_back(self, number: int, seconds: float = 10.0) -> list[str]:
        await eventually(
            lambda: len(self.withdrawn) >= number or self.failed,
            seconds,
            f"{len(self.withdrawn)} of {number} prompts were taken back",
        )
        return [each.prompt_id for each in self.withdrawn]

    async def _read(self) -> None:
        try:
            async for item in self._call:
                if item.WhichOneof("item") == "heartbeat":
                    self.heartbeats += 1
                    continue
                if item.WhichOneof("item") == "withdrawn":
                    self.withdrawn.append(item.withdrawn)
                    continue
                self.frames.append(item.prompt)
                if self._confirm:
                    received = prompts_pb2.RESPONSE_RECEIVED
                    await self.person.respond(item.prompt.prompt_id, received)
        except grpc.aio.AioRpcError as error:
            self.failed = error
        finally:
            self.ended.set()


@asynccontextmanager
async def in_this_process(around: Around, **changed: Any) -> AsyncIterator[Replica]:
    """A replica on this loop: started by its own bootstrap, stopped by its own signal."""
    settings = around.settings(**changed)
    stop = asyncio.Event()
    task = asyncio.create_task(serve(settings, stop))
    replica = Replica(settings, around.keys)
    ready = asyncio.create_task(replica.ready())
    try:
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        await ready
        yield replica
    finally:
        ready.cancel()
        await replica.close()
        stop.set()
        await task


@asynccontextmanager
async def as_a_process(around: Around, **changed: Any) -> AsyncIterator[tuple[Replica, Any]]:
    """A replica as a process of its own, which a test may kill; ended at the end anyway."""
    settings = around.settings(**changed)
    given = settings.model_dump(exclude_none=True)
    values = {
        f"NOTIFICATIONS_{name.upper()}": (
            value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        )
        for name, value in given.items()
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.notifications"),
        cwd=REPOSITORY,
        env={**os.environ, **values, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY}/protos/python"},
    )
    replica = Replica(settings, around.keys)
    try:
        await replica.ready()
        yield replica, process
    finally:
        await replica.close()
        if process.returncode is None:
            await end(process)


async def end(process: Any) -> None:
    """Let it leave its groups: a killed one's places are kept, and whoever comes next waits."""
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 10)
    except TimeoutError:
        process.kill()
        await process.wait()


class Log:
    """Writes to the topics that lead to people, as their producers do."""

    def __init__(self, producer: LogProducer) -> None:
        self._producer = producer

    async def decide(self, message: decision_pb2.Decision, **changed: Any) -> None:
        await self._put("decisions.v1", message, message.event_id, **changed)

    async def happen(self, record: life_event_record_pb2.LifeEventRecord) -> None:
        await self._put("life-events.v1", record, record.event_id)

    async def tell(self, message: permission_set_pb2.PermissionSet, **changed: Any) -> None:
        an_id = f"{message.subject[:20]}{message.serial:06}"
        await self._put("permissions.v1", message, an_id, **changed)

    async def _put(self, topic: str, message: Any, an_id: str, **changed: Any) -> None:
        encoded = encode(
            message, id=an_id, type=message.DESCRIPTOR.full_name, source="urn:test", time=NOW
        )
        about = {
            "key": message.subject.encode(),
            "value": encoded.value,
            "headers": encoded.headers,
        }
        await self._producer.send(topic, **about | changed)

    async def raw(
        self, topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
    ) -> None:
        await self._producer.send(topic, key, value, headers)
