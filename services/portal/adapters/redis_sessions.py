"""Sessions in Redis, under names that only we can derive from what a browser holds."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError

from services.portal.domain.errors import Unavailable
from services.portal.domain.seal import Seal
from services.portal.domain.session import Happened, Notice, Session
from services.portal.domain.sign_in import ATTEMPT_LIMIT, Attempt

TIMEOUT_SECONDS: Final = 1.0
_SPENT: Final = "spent"

# Take an attempt and leave a mark that it was there, in one step.
_TAKE: Final = """
local attempt = redis.call('GETDEL', KEYS[1])
if attempt then redis.call('SET', KEYS[2], '', 'EX', ARGV[1]) end
return attempt
"""


def connect(url: str) -> "Redis":
    """A client that gives up soon: a page can say that it cannot be shown, but not wait."""
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(ConstantBackoff(0.05), 1),
    )


class RedisSessions:
    """Implements `Sessions`."""

    def __init__(self, redis: "Redis", seal: Seal) -> None:
        self._redis = redis
        self._seal = seal

    async def is_reachable(self) -> bool:
        """Whether Redis answers."""
        try:
            async with _asking():
                return bool(await self._redis.ping())
        except Unavailable:
            return False

    async def keep_attempt(self, browser: str, attempt: Attempt) -> None:
        """Remember an attempt."""
        key = self._key("attempt", browser, attempt.state)
        async with _asking():
            await self._redis.set(key, json.dumps(asdict(attempt)), ex=ATTEMPT_LIMIT)

    async def take_attempt(self, browser: str, state: str) -> Attempt | None:
        """Take it, once."""
        keys = (self._key("attempt", browser, state), self._key("taken", browser, state))
        seconds = int(ATTEMPT_LIMIT.total_seconds())
        async with _asking():
            found = await self._redis.eval(_TAKE, len(keys), *keys, str(seconds))
        return Attempt(**json.loads(found)) if found else None

    async def bind(self, browser: str, state: str, session_id: str) -> bool:
        """Remember which session it led to."""
        key = self._key("taken", browser, state)
        session_key = self._key("session", session_id)
        async with _asking():
            before = await self._redis.set(key, session_key, xx=True, get=True, keepttl=True)
        return bool(before == "")

    async def end_session_of_taken(self, browser: str, state: str) -> bool:
        """End the session it led to, or will lead to."""
        key = self._key("taken", browser, state)
        async with _asking():
            before = await self._redis.set(key, _SPENT, xx=True, get=True, keepttl=True)
            if before and before != _SPENT:
                await self._redis.delete(str(before))
        return before is not None

    async def keep(self, session_id: str, session: Session, lives_for: timedelta) -> None:
        """Remember a session."""
        async with _asking():
            await self._redis.set(self._key("session", session_id), _text(session), px=lives_for)

    async def find(self, session_id: str) -> Session | None:
        """Find it again."""
        key = self._key("session", session_id)
        async with _asking():
            found = await self._redis.get(key)
            if found is None:
                return None
            try:
                return _session(json.loads(found))
            except (KeyError, TypeError, ValueError):
                # Written by another release: signing in again is all that is lost.
                await self._redis.delete(key)
                return None

    async def change(self, session_id: str, session: Session, lives_for: timedelta) -> None:
        """Replace it unless it has ended."""
        key = self._key("session", session_id)
        async with _asking():
            await self._redis.set(key, _text(session), px=lives_for, xx=True)

    async def end(self, session_id: str) -> None:
        """Forget it."""
        async with _asking():
            await self._redis.delete(self._key("session", session_id))

    def _key(self, thing: str, *parts: str) -> str:
        return f"portal:v1:{thing}:{self._seal.mark(thing, *parts)}"


@asynccontextmanager
async def _asking() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError):
        raise Unavailable("sessions") from None


def _text(session: Session) -> str:
    return json.dumps(asdict(session), default=datetime.isoformat)


def _session(read: dict[str, Any]) -> Session:
    notice = read["notice"]
    return Session(
        account=read["account"],
        person_token=read["person_token"],
        token_expires_at=datetime.fromisoformat(read["token_expires_at"]),
        started_at=datetime.fromisoformat(read["started_at"]),
        seen_at=datetime.fromisoformat(read["seen_at"]),
        notice=None if notice is None else _notice(notice),
    )


def _notice(read: dict[str, Any]) -> Notice:
    at = read["at"]
    return Notice(
        happened=Happened(read["happened"]),
        purpose=read["purpose"],
        controller=read["controller"],
        at=None if at is None else datetime.fromisoformat(at),
    )
