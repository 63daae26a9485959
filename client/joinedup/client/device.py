"""A person's device: hears of prompts as they come, shows each once, and opens them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import grpc

from joinedup.client.backoff import Backoff
from joinedup.client.channel import CALL_SECONDS, connect, metadata
from joinedup.client.device_memory import DeviceMemory
from joinedup.client.errors import ClientError, Refused, from_rpc, reason_of
from joinedup.client.session import PersonSession
from joinedup.client.tracing import Tracing
from joinedup.notifications.v1 import prompts_pb2 as pb
from joinedup.notifications.v1 import prompts_pb2_grpc

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

STREAM: Final = "stream"
# The platform ends a stream after half an hour at the latest.
_LONGEST_STREAM_SECONDS: Final = 25 * 60.0
_SHORTEST_STREAM_SECONDS: Final = 10.0
# Heartbeats come more often; a stream that is silent for longer is dead.
_SILENCE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Received:
    """A sealed prompt that has reached the device for the first time."""

    prompt_id: str
    line: str
    """One fixed line in the person's language; it says nothing of what the prompt is about."""
    traceparent: str
    """The journey that led here; opening the prompt continues it."""


class Device:
    """Listens for one person; `notifications` is `host:port`.

        async with Device(session, notifications=address, memory=memory) as device:
            async for received in device.prompts():
                opened = await device.open(received)

    A prompt is written to `memory` before the platform is told that it arrived, and before it is
    handed out; so a device that crashes shows it once at most. `on_frame` sees every sealed
    prompt as it comes, repeats too; `on_withdrawn` the id of every prompt that was taken back and
    must leave the screen, whether or not this device ever had it; `on_trouble` every failed try.
    """

    def __init__(
        self,
        session: PersonSession,
        *,
        notifications: str,
        memory: DeviceMemory | None = None,
        backoff: Backoff | None = None,
        tracer_provider: TracerProvider | None = None,
        on_frame: Callable[[pb.SealedPrompt], None] | None = None,
        on_withdrawn: Callable[[str], None] | None = None,
        on_trouble: Callable[[ClientError], None] | None = None,
    ) -> None:
        self.session = session
        self._memory = memory or DeviceMemory(None)
        self._backoff = backoff or Backoff()
        self._tracing = Tracing(tracer_provider)
        self._on_frame = on_frame
        self._on_withdrawn = on_withdrawn
        self._on_trouble = on_trouble
        self._channel = connect(notifications)
        self._stub = prompts_pb2_grpc.PromptsStub(self._channel)
        self.listening = asyncio.Event()
        """Set while a stream is open."""

    async def prompts(self) -> AsyncGenerator[Received, None]:
        """Hand out each new prompt once, for ever; reconnects by itself.

        Raises Refused when the platform will not have this person at all.
        """
        failures = 0
        while True:
            try:
                async with aclosing(self._stream()) as frames:
                    async for frame in frames:
                        failures = 0
                        received = await self._take(frame)
                        if received is not None:
                            yield received
            except grpc.aio.AioRpcError as failed:
                trouble = self._trouble(failed)
            except ClientError as failed:
                trouble = failed
                if isinstance(failed, Refused):
                    raise
            except TimeoutError:
                trouble = None
            else:
                trouble = None
            finally:
                self.listening.clear()
            if trouble is not None:
                failures += 1
                self._tell(trouble)
                await asyncio.sleep(self._backoff.delay(failures))

    async def open(
        self, prompt: Received | str, *, channel: str = STREAM, language: str = ""
    ) -> pb.OpenResponse:
        """Open a prompt through the permission gate; raises Refused or Unavailable.

        `language` is en or cy; empty means the person's own.
        """
        prompt_id, traceparent = (
            (prompt.prompt_id, prompt.traceparent) if isinstance(prompt, Received) else (prompt, "")
        )
        signed_in = await self.session.signed_in()
        request = pb.OpenRequest(
            prompt_id=prompt_id, channel=channel, language=language or signed_in.language
        )
        attributes = {"peer.service": "notifications", "joinedup.prompt_id": prompt_id}
        with self._tracing.span("open prompt", "CLIENT", attributes, traceparent):
            carried = metadata(signed_in.token)
            try:
                return await self._stub.Open(request, timeout=CALL_SECONDS, metadata=carried)
            except grpc.aio.AioRpcError as failed:
                raise from_rpc(failed) from failed

    async def respond(
        self, prompt_id: str, response: pb.Response.ValueType, *, channel: str = STREAM
    ) -> pb.RespondResponse:
        """Say what the person or the device did with a prompt; raises Refused or Unavailable."""
        request = pb.RespondRequest(prompt_id=prompt_id, channel=channel, response=response)
        carried = metadata((await self.session.signed_in()).token)
        try:
            return await self._stub.Respond(request, timeout=CALL_SECONDS, metadata=carried)
        except grpc.aio.AioRpcError as failed:
            raise from_rpc(failed) from failed

    async def close(self) -> None:
        """Close the connection; session and memory stay."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _stream(self) -> AsyncGenerator[pb.SubscribeResponse, None]:
        signed_in = await self.session.signed_in()
        left = signed_in.expires_at - time.time()
        seconds = max(_SHORTEST_STREAM_SECONDS, min(_LONGEST_STREAM_SECONDS, left))
        call = self._stub.Subscribe(
            pb.SubscribeRequest(cursor=self._memory.cursor),
            timeout=seconds,
            metadata=metadata(signed_in.token),
        )
        try:
            await asyncio.wait_for(call.initial_metadata(), _SILENCE_SECONDS)
            self.listening.set()
            while True:
                await self._confirm_again()
                frame = await asyncio.wait_for(call.read(), _SILENCE_SECONDS)
                if not isinstance(frame, pb.SubscribeResponse):
                    return
                yield frame
        finally:
            call.cancel()

    async def _take(self, frame: pb.SubscribeResponse) -> Received | None:
        kind = frame.WhichOneof("item")
        if kind == "withdrawn":
            self._take_back(frame.withdrawn)
        if kind != "prompt":
            return None
        sealed = frame.prompt
        if self._on_frame is not None:
            self._on_frame(sealed)
        attributes = {"peer.service": "notifications", "joinedup.prompt_id": sealed.prompt_id}
        with self._tracing.span("receive prompt", "CONSUMER", attributes, sealed.traceparent):
            known = self._memory.seen(sealed.prompt_id)
            self._memory.remember(sealed.prompt_id, sealed.cursor)
            await self._confirm(sealed.prompt_id)
        if known:
            return None
        return Received(sealed.prompt_id, sealed.line, sealed.traceparent)

    def _take_back(self, withdrawn: pb.WithdrawnPrompt) -> None:
        # Off the screen first: told once more after a crash in between, it does no harm.
        if self._on_withdrawn is not None:
            self._on_withdrawn(withdrawn.prompt_id)
        self._memory.withdraw(withdrawn.prompt_id, withdrawn.cursor)

    async def _confirm_again(self) -> None:
        for prompt_id in self._memory.unconfirmed():
            await self._confirm(prompt_id)

    async def _confirm(self, prompt_id: str) -> None:
        try:
            await self.respond(prompt_id, pb.RESPONSE_RECEIVED)
        except Refused:
            # The prompt has gone meanwhile, by a withdrawal or its end: nothing to confirm.
            self._memory.confirm(prompt_id)
        except ClientError as failed:
            # It stays unconfirmed, and is confirmed at the next frame or heartbeat.
            self._tell(failed)
        else:
            self._memory.confirm(prompt_id)

    def _trouble(self, failed: grpc.aio.AioRpcError) -> ClientError | None:
        """What a stream's end means; None when it is only time to open the next one."""
        if failed.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return None
        if failed.code() is grpc.StatusCode.UNAUTHENTICATED:
            self.session.forget()
        elif reason_of(failed) == "cursor_invalid":
            self._memory.lose_place()
        elif failed.code() is grpc.StatusCode.PERMISSION_DENIED:
            raise from_rpc(failed) from failed
        return from_rpc(failed)

    def _tell(self, trouble: ClientError) -> None:
        if self._on_trouble is not None:
            self._on_trouble(trouble)
