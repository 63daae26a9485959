"""Twenty devices in one process, and a transcript of all that reached them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from demo.town.people import Townsperson
from demo.waiting import Board, expect
from joinedup.client import (
    ClientError,
    Device,
    DeviceMemory,
    PersonSession,
    Received,
    Refused,
    Unavailable,
)
from joinedup.notifications.v1 import prompts_pb2 as pb

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

_START_SECONDS: Final = 30.0


@dataclass(slots=True)
class Transcript:
    """What one device saw; times are monotonic seconds."""

    person: Townsperson
    frames: list[tuple[str, float]] = field(default_factory=list)
    """Every sealed prompt as it came over the stream, repeats too."""
    shown: list[str] = field(default_factory=list)
    """Prompt ids in the order in which they were shown."""
    opened: dict[str, pb.OpenResponse] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    """Prompt id → why the gate did not open it."""
    withdrawn_at: dict[str, float] = field(default_factory=dict)
    """When the device was told to take a prompt off the screen."""
    openable_at: dict[str, float] = field(default_factory=dict)
    """When the device first had the prompt and could open it."""
    troubles: Counter[str] = field(default_factory=Counter)

    def shown_twice(self) -> list[str]:
        """Prompt ids that were shown more than once; there must never be one."""
        return [each for each, times in Counter(self.shown).items() if times > 1]


class Listening:
    """One person's device at work."""

    def __init__(
        self,
        person: Townsperson,
        *,
        endpoints: dict[str, str],
        memory: Path,
        board: Board,
        tracer_provider: TracerProvider | None,
    ) -> None:
        self.transcript = Transcript(person)
        self._board = board
        self.session = PersonSession(
            person.sub, sign_in_url=endpoints["sign_in"], identity=endpoints["identity_grpc"]
        )
        self._memory = DeviceMemory(memory)
        self.device = Device(
            self.session,
            notifications=endpoints["notifications_grpc"],
            memory=self._memory,
            tracer_provider=tracer_provider,
            on_frame=self._frame,
            on_withdrawn=self._withdrawn,
            on_trouble=self._trouble,
        )
        self._opening: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Listen, show and open for ever."""
        async for received in self.device.prompts():
            self.transcript.shown.append(received.prompt_id)
            self._board.post()
            # Opened beside the stream: a slow opening must not hold up what comes next.
            task = asyncio.create_task(self._open(received))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def close(self) -> None:
        """Let go of connections and memory."""
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        await self.device.close()
        await self.session.close()
        self._memory.close()

    async def _open(self, received: Received) -> None:
        tries = 0
        while True:
            try:
                opened = await self.device.open(received)
            except Refused as refused:
                self.transcript.refused[received.prompt_id] = refused.code
            except Unavailable as failed:
                self._trouble(failed)
                tries += 1
                await asyncio.sleep(min(2.0, 0.1 * 2**tries))
                continue
            else:
                self.transcript.opened[received.prompt_id] = opened
            self._board.post()
            return

    def _frame(self, sealed: pb.SealedPrompt) -> None:
        now = time.monotonic()
        self.transcript.frames.append((sealed.prompt_id, now))
        self.transcript.openable_at.setdefault(sealed.prompt_id, now)
        self._board.post()

    def _withdrawn(self, prompt_id: str) -> None:
        self.transcript.withdrawn_at.setdefault(prompt_id, time.monotonic())
        self._board.post()

    def _trouble(self, trouble: ClientError) -> None:
        self.transcript.troubles[trouble.code] += 1
        self._board.post()


class Fleet:
    """All devices together."""

    def __init__(
        self,
        people: Sequence[Townsperson],
        *,
        endpoints: dict[str, str],
        home: Path,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        self.board = Board()
        self._listening = {
            person.sub: Listening(
                person,
                endpoints=endpoints,
                memory=home / "devices" / f"demo-{person.sub}.jsonl",
                board=self.board,
                tracer_provider=tracer_provider,
            )
            for person in people
        }
        self._tasks: list[asyncio.Task[None]] = []

    def __getitem__(self, sub: str) -> Listening:
        return self._listening[sub]

    @property
    def transcripts(self) -> dict[str, Transcript]:
        """Every device's transcript, by sign-in name."""
        return {sub: each.transcript for sub, each in self._listening.items()}

    async def start(self) -> None:
        """Start them all and wait until each has its stream."""
        self._tasks = [asyncio.create_task(each.run()) for each in self._listening.values()]
        ready = asyncio.create_task(self._all_listening())
        await asyncio.wait(
            {ready, *self._tasks}, timeout=_START_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if not ready.done():
            ready.cancel()
        self.check()
        expect(ready.done() and not ready.cancelled(), "not every device got its stream")

    def check(self) -> None:
        """Raise what ended a device, if one has ended: none ever should."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def _all_listening(self) -> None:
        for each in self._listening.values():
            await each.device.listening.wait()

    def count(self, what: str) -> int:
        """How many frames, shown or opened prompts there are over all devices."""
        return sum(len(getattr(each, what)) for each in self.transcripts.values())

    async def close(self) -> None:
        """Stop listening."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(each.close() for each in self._listening.values()))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
