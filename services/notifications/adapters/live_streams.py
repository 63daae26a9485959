"""The live streams of this process: a bounded queue for each, and what is being written now."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from services.notifications.domain.errors import Closing, StreamClosed, TooManyStreams
from services.notifications.domain.gate import Ask
from services.notifications.domain.prompt import OnStream, Recall

Read = Callable[[int, int], Awaitable[list[OnStream]]]


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How much a stream and a person may hold of this process.

    `patience_seconds`: how long a full queue may stand still before its reader counts as too slow.
    """

    frames: int = 64
    streams_a_person: int = 10
    patience_seconds: float = 2.0


class LiveStream:
    """One device's stream: filled up from the ledger, emptied by its writer."""

    def __init__(
        self,
        subject: str,
        position: int,
        frames: int,
        monotonic: Callable[[], float],
        hungry: Callable[[], None],
    ) -> None:
        self.subject = subject
        self.position = position
        self._frames = frames
        self._monotonic = monotonic
        self._hungry = hungry
        self._queue: deque[OnStream] = deque()
        self._news = asyncio.Event()
        self._moved_at = monotonic()
        self._behind = False
        self._closing: Closing | None = None
        self.closed = asyncio.Event()
        self.written: asyncio.Future[None] | None = None

    @property
    def room(self) -> int:
        """How many frames it can take."""
        return 0 if self._closing else self._frames - len(self._queue)

    def put(self, item: OnStream) -> None:
        """Queue a frame beyond the position reached; one that was queued before is left out."""
        if item.position <= self.position or not self.room:
            return
        if not self._queue:
            self._moved_at = self._monotonic()
        self._queue.append(item)
        self.position = item.position
        self._news.set()

    def fall_behind(self, patience_seconds: float) -> None:
        """There is more than it had room for; a reader who takes nothing at all is let go."""
        self._behind = True
        if not self.room and self._monotonic() - self._moved_at > patience_seconds:
            self.close(Closing.SLOW_READER)
        self._ask_for_more()

    def purge(self, stays: Callable[[Ask], bool]) -> int:
        """Take prompts out of the queue that may not stay; answers how many."""
        before = len(self._queue)
        self._queue = deque(
            item for item in self._queue if isinstance(item, Recall) or stays(item.ask)
        )
        return before - len(self._queue)

    async def take(self, seconds: float) -> OnStream | None:
        """The next frame, None after that time; raises StreamClosed."""
        if not self._queue and not self._closing:
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._news.wait()
        self.require_open()
        if not self._queue:
            return None
        self._moved_at = self._monotonic()
        item = self._queue.popleft()
        self._ask_for_more()
        return item

    def _ask_for_more(self) -> None:
        if self._behind and len(self._queue) * 2 <= self._frames and not self._closing:
            self._behind = False
            self._hungry()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A frame is handed to the network; whoever settles the stream waits for its end."""
        self.written = asyncio.get_running_loop().create_future()
        try:
            yield
        finally:
            self.written.set_result(None)
            self.written = None

    def close(self, why: Closing) -> None:
        """End it; what was queued is forgotten here and stands in the ledger."""
        if self._closing is None:
            self._closing = why
            self._queue.clear()
            self._news.set()
            self.closed.set()

    def require_open(self) -> None:
        """Raise StreamClosed unless it is open."""
        if self._closing is not None:
            raise StreamClosed(self._closing)


class _Person:
    def __init__(self) -> None:
        self.streams: set[LiveStream] = set()
        self.openings: set[asyncio.Future[None]] = set()
        # Rises with every purge: what was read from the ledger before one is not queued after it.
        self.purges = 0


class LiveStreams:
    """The port Streams."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        limits: StreamLimits,
        hungry: Callable[[str], None],
    ) -> None:
        self._monotonic = monotonic
        self._limits = limits
        self._hungry = hungry
        self._people: dict[str, _Person] = {}

    def __len__(self) -> int:
        """How many streams are live."""
        return sum(len(person.streams) for person in self._people.values())

    @contextmanager
    def live(self, subject: str, position: int) -> Iterator[LiveStream]:
        """A new stream from a position on, live within the block; raises TooManyStreams."""
        person = self._people.setdefault(subject, _Person())
        if len(person.streams) >= self._limits.streams_a_person:
            raise TooManyStreams
        stream = LiveStream(
            *(subject, position, self._limits.frames, self._monotonic),
            lambda: self._hungry(subject),
        )
        person.streams.add(stream)
        try:
            yield stream
        finally:
            person.streams.discard(stream)
            self._forget(subject)

    def reached(self) -> Mapping[str, int]:
        """Each person with a live stream, and the position that all their streams have reached."""
        return {
            subject: min(stream.position for stream in person.streams)
            for subject, person in self._people.items()
            if person.streams
        }

    def is_live(self, subject: str) -> bool:
        """Whether the person has a live stream here."""
        person = self._people.get(subject)
        return person is not None and bool(person.streams)

    async def feed(self, subject: str, read: Read) -> None:
        """Queue what `read(after, limit)` answers on each stream that has room for it.

        What was read from before a purge until after it is not queued, but read again.
        """
        person = self._people.get(subject)
        if person is None:
            return
        for stream in list(person.streams):
            purges = person.purges
            # One more than there is room for tells whether it falls behind, even if its reader
            # makes room meanwhile.
            limit = stream.room + 1
            items = await read(stream.position, limit)
            if person.purges != purges:
                self._hungry(subject)
                return
            for item in items:
                stream.put(item)
            if len(items) == limit:
                stream.fall_behind(self._limits.patience_seconds)

    def purge(self, subject: str, stays: Callable[[Ask], bool]) -> int:
        """Take what may not stay out of the queues; answers how many frames that were."""
        person = self._people.get(subject)
        if person is None:
            return 0
        person.purges += 1
        return sum(stream.purge(stays) for stream in person.streams)

    async def settle(self, subject: str, seconds: float) -> bool:
        """Wait for what is being written to this person; whether it ended in time."""
        person = self._people.get(subject)
        if person is None:
            return True
        writing = {each.written: each for each in person.streams if each.written is not None}
        pending = {*writing, *person.openings}
        if pending:
            _, pending = await asyncio.wait(pending, timeout=seconds)
        for each in pending & writing.keys():
            writing[each].close(Closing.SLOW_READER)
        return not pending - writing.keys()

    @contextmanager
    def opening(self, subject: str) -> Iterator[Callable[[], None]]:
        """A content is being opened, until the function it yields is called or it fails."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        person = self._people.setdefault(subject, _Person())
        person.openings.add(ended)

        def end() -> None:
            if not ended.done():
                ended.set_result(None)
                person.openings.discard(ended)
                self._forget(subject)

        try:
            yield end
        except BaseException:
            end()
            raise

    def close_all(self, why: Closing) -> None:
        """End every stream."""
        for person in list(self._people.values()):
            for stream in list(person.streams):
                stream.close(why)

    def _forget(self, subject: str) -> None:
        person = self._people.get(subject)
        if person is not None and not person.streams and not person.openings:
            del self._people[subject]
