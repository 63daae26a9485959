"""One person in the race: says yes and no, has a device, and opens what comes."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Final

from demo.town.people import Townsperson
from joinedup.client import (
    Choices,
    ClientError,
    Device,
    DeviceMemory,
    PersonSession,
    Received,
    Refused,
    Unavailable,
)
from joinedup.identity.v1.permission_set_pb2 import CHOICE_GIVEN
from joinedup.notifications.v1 import prompts_pb2 as pb
from tests.faults.history import History
from tests.faults.operation import Kind, Operation, Result

AGAIN_SECONDS: Final = 0.3
_ASK_SECONDS: Final = 0.2
# A device is switched off and on again after so many seconds.
_DEVICE_LIFE: Final = (15.0, 90.0)
_OPENED_SHARE: Final = 0.75
_LONGEST_READING: Final = 1.5
_OPEN_TRIES: Final = 20
# On a busy machine it takes as long as this to read what has come already.
_AT_ONCE_NS: Final = 1_000_000_000

Permission = tuple[str, str]


@dataclass(slots=True)
class Tally:
    """What was told to everybody together, besides what the history says."""

    refused: Counter[str] = field(default_factory=Counter)
    """Codes of calls that the platform said no to, but for prompts that were withdrawn."""
    withdrawn_on_opening: int = 0
    recalled: int = 0
    device_restarts: int = 0
    said: list[tuple[int, int]] = field(default_factory=list)
    """Each no, from the first try until the person was told since when it holds."""
    taking_effect: list[int] = field(default_factory=list)
    """For how long a person read "taking effect", in nanoseconds."""
    acknowledged: set[tuple[str, str, str, int]] = field(default_factory=set)
    """Each no that somebody was told holds: subject, purpose, department, epoch."""


class WatchedDevice(Device):
    """The real device, which also says since when a frame may have waited for it to be read.

    A device confirms each frame before it reads the next, which takes as long as the platform
    takes: what it reads soon may have come over the network any time since it last had to wait.
    """

    waited_until_ns = 0
    _reading_since_ns = 0

    async def _confirm_again(self) -> None:
        await super()._confirm_again()
        self._reading_since_ns = time.monotonic_ns()

    async def _take(self, frame: pb.SubscribeResponse) -> Received | None:
        now = time.monotonic_ns()
        if now - self._reading_since_ns > _AT_ONCE_NS or not self.waited_until_ns:
            self.waited_until_ns = now
        return await super()._take(frame)


@dataclass(slots=True)
class Ways:
    """How a person reaches the platform: notifications at any of several replicas."""

    sign_in: str
    identity: str
    notifications: Sequence[str]


class Person:
    """Acts for one person, and writes down each call with its result."""

    def __init__(
        self, number: int, who: Townsperson, ways: Ways, *, chance: Random, history: History,
        tally: Tally, memory: Path,
    ) -> None:  # fmt: skip
        self.who = who
        self.handle = ""
        self.chance = chance
        self._name, self._device = f"person-{number}", f"device-{number}"
        self._ways = ways
        self._history = history
        self._tally = tally
        self._memory = memory / f"{self._device}.jsonl"
        self._session = PersonSession(who.sub, sign_in_url=ways.sign_in, identity=ways.identity)
        self._choices = Choices(self._session)
        self._reading: set[asyncio.Task[None]] = set()
        self.listening = asyncio.Event()
        """Set once the device had its first stream."""

    # ------------------------------------------------------------------ choices
    async def meet(self) -> None:
        """Learn one's own handle."""
        self.handle = (await self._choices.listed()).permissions.subject

    async def say_yes(self, permission: Permission) -> None:
        """Permit it; tried until the platform has said that it stands."""
        while True:
            begun = self._begin(Kind.GIVE, permission)
            try:
                answer = await self._choices.give(*permission)
            except ClientError as failed:
                await self._failed(begun, failed)
            else:
                epoch = answer.permission.epoch
                self._history.complete(begun, Result.OK, epoch=epoch)
                return

    async def say_no(self, permission: Permission, kind: Kind) -> None:
        """Withdraw or object; tried until the platform has said since when it holds."""
        call = self._choices.withdraw if kind is Kind.WITHDRAW else self._choices.object_to
        first = None
        while True:
            begun = self._begin(kind, permission)
            first = first or begun
            try:
                answer = await call(*permission)
            except ClientError as failed:
                await self._failed(begun, failed)
                continue
            if not answer.HasField("took_effect_at"):
                await self._until_it_holds(permission)
            epoch = answer.permission.epoch
            told = self._history.complete(begun, Result.OK, epoch=epoch)
            self._tally.said.append((first.invoked_ns, told.completed_ns or 0))
            self._tally.acknowledged.add((self.handle, *permission, epoch))
            return

    async def _until_it_holds(self, permission: Permission) -> None:
        began = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(_ASK_SECONDS)
            try:
                listed = await self._choices.listed()
            except ClientError:
                continue
            if any(
                (each.purpose, each.controller) == permission and each.HasField("took_effect_at")
                for each in listed.effects
            ):
                seconds = asyncio.get_running_loop().time() - began
                self._tally.taking_effect.append(round(seconds * 1e9))
                return

    async def permitted(self) -> set[Permission]:
        """What stands as permitted."""
        while True:
            try:
                listed = await self._choices.listed()
            except ClientError:
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            return {
                (each.purpose, each.controller)
                for each in listed.permissions.permissions
                if each.choice == CHOICE_GIVEN
            }

    def _begin(self, kind: Kind, permission: Permission) -> Operation:
        purpose, controller = permission
        return self._history.invoke(
            self._name, kind, subject=self.handle, purpose=purpose, controller=controller
        )

    async def _failed(self, begun: Operation, failed: ClientError) -> None:
        """What became of it is not known: also a refusal may have come after a commit."""
        self._history.complete(begun, Result.UNKNOWN, reason=failed.code)
        if isinstance(failed, Refused):
            self._tally.refused[f"{begun.kind} {failed.code}"] += 1
        await asyncio.sleep(AGAIN_SECONDS)

    # ------------------------------------------------------------------ the device
    async def listen(self) -> None:
        """Have a device that is switched off and on now and then; for ever."""
        async with self._reader() as reader:
            while True:
                life = self.chance.uniform(*_DEVICE_LIFE)
                try:
                    async with asyncio.timeout(life):
                        await self._listen(reader, self.chance.choice(self._ways.notifications))
                except TimeoutError:
                    self._tally.device_restarts += 1

    async def _listen(self, reader: Device, at: str) -> None:
        memory = DeviceMemory(self._memory)
        device = WatchedDevice(
            self._session,
            notifications=at,
            memory=memory,
            on_frame=lambda sealed: self._frame(device, sealed.prompt_id),
            on_withdrawn=self._recalled,
        )
        noting = asyncio.create_task(_pass_on(device.listening, self.listening))
        try:
            async for received in device.prompts():
                shown = self._begun(Kind.SHOW, received.prompt_id)
                self._history.complete(shown, Result.OK)
                if self.chance.random() < _OPENED_SHARE:
                    self._read(self._open(reader, received))
        finally:
            noting.cancel()
            await device.close()
            memory.close()

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator[Device]:
        """What opens prompts: it outlives the device's restarts."""
        at = self.chance.choice(self._ways.notifications)
        async with Device(self._session, notifications=at) as reader:
            try:
                yield reader
            finally:
                for task in self._reading:
                    task.cancel()
                await asyncio.gather(*self._reading, return_exceptions=True)

    def _read(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _open(self, reader: Device, received: Received) -> None:
        await asyncio.sleep(self.chance.uniform(0, _LONGEST_READING))
        for _ in range(_OPEN_TRIES):
            begun = self._begun(Kind.OPEN, received.prompt_id)
            try:
                await reader.open(received)
            except Refused as refused:
                self._history.complete(begun, Result.FAIL, reason=refused.code)
                if refused.code == "prompt_withdrawn":
                    self._tally.withdrawn_on_opening += 1
                else:
                    self._tally.refused[f"open {refused.code}"] += 1
                return
            except Unavailable as failed:
                self._history.complete(begun, Result.UNKNOWN, reason=failed.code)
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                self._history.complete(begun, Result.OK)
                return

    def _frame(self, device: WatchedDevice, prompt_id: str) -> None:
        """A frame was read: it came at the latest now, and at the earliest since it waited."""
        read = self._begun(Kind.FRAME, prompt_id)
        came_ns, now_ns = device.waited_until_ns, read.invoked_ns
        self._history.record(
            replace(read, invoked_ns=came_ns, completed_ns=now_ns, result=Result.OK)
        )

    def _recalled(self, _prompt_id: str) -> None:
        self._tally.recalled += 1

    def _begun(self, kind: Kind, prompt_id: str) -> Operation:
        return self._history.invoke(
            self._device, kind, subject=self.handle, prompt_id=prompt_id, channel="stream"
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._session.close()


async def _pass_on(here: asyncio.Event, there: asyncio.Event) -> None:
    await here.wait()
    there.set()
