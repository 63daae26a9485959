"""Hints between replicas through Redis: who has a live stream where, and that something waits.

Nothing here is needed to be right. Whatever Redis loses, refuses or forgets, the ledger is asked
once a second anyway.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from services.kit.tasks import end_tasks
from services.kit.telemetry import log

TIMEOUT_SECONDS: Final = 0.2
REFRESH_SECONDS: Final = 5.0
PRESENT_FOR: Final = timedelta(seconds=30)
LISTEN_SECONDS: Final = 5.0
AWAY_SECONDS: Final = 1.0
_CALLS_MOST: Final = 10_000

_PRESENCE: Final = "notifications:v1:presence:{}"
_WAKE: Final = "notifications:v1:wake:{}"


class RedisWakeUps:
    """The port WakeUps; works once `run` does."""

    def __init__(
        self,
        url: str,
        instance: str,
        *,
        now: Callable[[], datetime],
        woken: Callable[[Iterable[str]], None],
    ) -> None:
        self._instance = instance
        self._now = now
        self._woken = woken
        self._redis: Any = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._present: set[str] = set()
        self._absent: set[str] = set()
        self._fresh: set[str] = set()
        self._calls: dict[str, None] = {}
        self._work = asyncio.Event()
        self._away = False

    @property
    def alive(self) -> bool:
        """Whether Redis answered the last time."""
        return not self._away

    def present(self, subject: str) -> None:
        """The person has a live stream here."""
        self._present.add(subject)
        self._fresh.add(subject)
        self._absent.discard(subject)
        self._work.set()

    def absent(self, subject: str) -> None:
        """They have none any more."""
        self._present.discard(subject)
        self._fresh.discard(subject)
        self._absent.add(subject)
        self._work.set()

    def call(self, subjects: Iterable[str]) -> None:
        """Tell the other replicas that something waits for these people."""
        if not self._away and len(self._calls) < _CALLS_MOST:
            self._calls.update(dict.fromkeys(subjects))
            self._work.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send and listen until stopped; Redis may come and go meanwhile."""
        tasks = [asyncio.create_task(each) for each in (self._send_all(), self._listen_all())]
        try:
            await stop.wait()
        finally:
            await end_tasks(tasks)
            await self._redis.aclose()

    async def _send_all(self) -> None:
        loop = asyncio.get_running_loop()
        refresh_at = loop.time()
        while True:
            if loop.time() >= refresh_at:
                self._fresh |= self._present
                refresh_at = loop.time() + REFRESH_SECONDS
            try:
                await self._send()
                self._heard()
            except (RedisError, OSError):
                self._lost()
                await asyncio.sleep(AWAY_SECONDS)
                self._fresh |= self._present
                continue
            await _wait(self._work, refresh_at - loop.time())

    async def _send(self) -> None:
        self._work.clear()
        told = await self._tell_presence()
        calls, self._calls = list(self._calls), {}
        if not calls:
            if not told:
                await self._redis.ping()
            return
        now = self._now().timestamp()
        async with self._redis.pipeline(transaction=False) as pipe:
            for subject in calls:
                pipe.zrange(_PRESENCE.format(subject), now, "+inf", byscore=True)
            instances = await pipe.execute()
        async with self._redis.pipeline(transaction=False) as pipe:
            for subject, there in zip(calls, instances, strict=True):
                for instance in set(there) - {self._instance}:
                    pipe.publish(_WAKE.format(instance), subject)
            await pipe.execute()

    async def _tell_presence(self) -> bool:
        """Tell who came, stays and went; False when there was nothing to tell."""
        fresh, self._fresh = self._fresh, set()
        absent, self._absent = self._absent, set()
        if not fresh and not absent:
            return False
        until = (self._now() + PRESENT_FOR).timestamp()
        async with self._redis.pipeline(transaction=False) as pipe:
            for subject in fresh:
                pipe.zadd(_PRESENCE.format(subject), {self._instance: until})
                pipe.expire(_PRESENCE.format(subject), PRESENT_FOR)
            for subject in absent:
                pipe.zrem(_PRESENCE.format(subject), self._instance)
            await pipe.execute()
        return True

    async def _listen_all(self) -> None:
        while True:
            try:
                await self._listen()
            except (RedisError, OSError):
                self._lost()
                await asyncio.sleep(AWAY_SECONDS)

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as listener:
            await listener.subscribe(_WAKE.format(self._instance))
            while True:
                told = await listener.get_message(timeout=LISTEN_SECONDS)
                if told is not None:
                    self._woken([told["data"]])

    def _heard(self) -> None:
        if self._away:
            log(__name__).info("redis answers again")
        self._away = False

    def _lost(self) -> None:
        if not self._away:
            log(__name__).warning("redis is away, asking the ledger instead")
        self._away = True
        self._calls.clear()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await event.wait()
    except TimeoutError:
        return
