"""Devices on which nobody opens anything: what they show, and when that was taken back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from demo.stage import Stage
from demo.town.people import Townsperson
from demo.waiting import Board
from joinedup.client import Choices, Device, PersonSession

_HEARD_SECONDS: Final = 20.0


class Screen:
    """One person's device; `shown` is in order, `gone_at` in monotonic seconds."""

    def __init__(self, person: Townsperson, session: PersonSession, notifications: str) -> None:
        self.person = person
        self.choices = Choices(session)
        self.device = Device(session, notifications=notifications, on_withdrawn=self._take_back)
        self.shown: list[str] = []
        self.gone_at: dict[str, float] = {}
        self._board = Board()

    async def listen(self) -> None:
        """Show whatever comes, for ever."""
        async for received in self.device.prompts():
            self.shown.append(received.prompt_id)
            self._board.post()

    async def until(self, *, shown: int = 0, gone: int = 0) -> None:
        """Wait until so many prompts were shown, and so many taken back; raises Unseen."""
        await self._board.until(
            lambda: len(self.shown) >= shown and len(self.gone_at) >= gone,
            f"{shown} prompts shown and {gone} taken back",
            seconds=_HEARD_SECONDS,
        )

    def _take_back(self, prompt_id: str) -> None:
        self.gone_at[prompt_id] = time.monotonic()
        self._board.post()


@asynccontextmanager
async def screens(stage: Stage, people: Sequence[Townsperson]) -> AsyncIterator[list[Screen]]:
    """A device for each of these people, who may sign in; all listen until the end."""
    provider, identity = stage.endpoints["sign_in"], stage.endpoints["identity_grpc"]
    tasks: list[asyncio.Task[None]] = []
    async with AsyncExitStack() as stack:
        found = []
        for person in people:
            session = await stack.enter_async_context(
                PersonSession(person.sub, sign_in_url=provider, identity=identity)
            )
            screen = Screen(person, session, stage.endpoints["notifications_grpc"])
            await stack.enter_async_context(screen.device)
            tasks.append(asyncio.create_task(screen.listen()))
            async with asyncio.timeout(_HEARD_SECONDS):
                await screen.device.listening.wait()
            found.append(screen)
        try:
            yield found
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
