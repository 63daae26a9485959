"""What was read of a stream and is not answered yet: bounded, and told in the order it came."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.events.domain.errors import Refused

# The sender is held back by HTTP/2 until there is room again.
MOST_UNANSWERED: Final = 1_000
MOST_UNANSWERED_BYTES: Final = 4 * 1024 * 1024
MOST_TOGETHER: Final = 250


@dataclass(frozen=True)
class Message:
    """One message of a stream: the numbers of its events, and its size in bytes."""

    first: int
    last: int
    size: int

    @property
    def events(self) -> int:
        """How many there are in it."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Sent:
    """One event of a message; `names` are the ids by which it says which entry it is about."""

    number: int
    message: Message
    body: Mapping[str, Any] | Refused
    names: frozenset[str]


class Unanswered:
    """Filled by one who reads, taken from by one who admits, freed by one who answers."""

    def __init__(self) -> None:
        self._arrived: deque[Sent] = deque()
        self._ended = False
        self._events = 0
        self._bytes = 0
        self._changed = asyncio.Event()
        self._freed = asyncio.Event()

    async def room_for(self, message: Message) -> None:
        """Wait until there is room for another message; alone it has room however large it is."""
        while self._events and (
            self._events + message.events > MOST_UNANSWERED
            or self._bytes + message.size > MOST_UNANSWERED_BYTES
        ):
            self._freed.clear()
            await self._freed.wait()
        self._events += message.events
        self._bytes += message.size

    def put(self, events: Iterable[Sent]) -> None:
        """The events of a message for which there was room."""
        self._arrived.extend(events)
        self._changed.set()

    def end(self) -> None:
        """Nothing more will arrive."""
        self._ended = True
        self._changed.set()

    async def together(self) -> list[Sent]:
        """What has arrived, as far as it may be admitted together; nothing once all was taken.

        Two statements about one entry never are: the second waits for the first one's answer.
        """
        while not self._arrived and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        group: list[Sent] = []
        named: set[str] = set()
        while self._arrived and len(group) < MOST_TOGETHER:
            if not named.isdisjoint(self._arrived[0].names):
                break
            group.append(self._arrived.popleft())
            named |= group[-1].names
        return group

    def answered(self, message: Message) -> None:
        """All of a message is answered, and the answer written: it takes no more room."""
        self._events -= message.events
        self._bytes -= message.size
        self._freed.set()
