"""What of a stream is unanswered: numbered, sent again after a break, answered in any order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from joinedup.client.errors import Fault, Refused, Unavailable
from joinedup.client.receipt import Receipt, Result
from joinedup.events.v1 import life_events_pb2 as pb

_STATUS: Final = "/v1/events/"
# The platform takes 256 KiB in a message, and joins messages to what it admits together.
_MOST_BYTES: Final = 128 * 1024
_MOST_TOGETHER: Final = 100


_Answer = pb.PublishStreamResponse | pb.PublishStreamAnswer


@dataclass(slots=True)
class _Item:
    body: bytes
    result: Result | None = None
    resting: bool = False
    """Refused for now: sent again when it has rested."""
    tries: int = 0
    give_up_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Rest:
    """An event that is to be sent again after a while; `place` is its place among all of them."""

    place: int
    tries: int
    seconds: int


class StreamWindow:
    """The events that were taken from the sender and not yet handed back with their results.

    There are never more than `most`. Times are monotonic seconds. Nothing here waits.
    """

    def __init__(self, most: int, patience_seconds: float) -> None:
        if most < 1:
            raise ValueError("a stream has room for one event at least")
        self._most = most
        self._patience = patience_seconds
        self._items: dict[int, _Item] = {}
        self._handed_back = 0
        self._unsent: deque[int] = deque()
        self._numbers: dict[int, int] = {}
        self._last_number = 0
        self._progress_at = 0.0
        self.taken = 0
        """How many events were taken so far."""
        self.ended = False
        """Set by the sender: nothing more is to be taken."""
        self.answered_through = 0
        """Of all events taken, so many from the first on are answered without a gap."""

    @property
    def has_room(self) -> bool:
        """Whether another event may be taken."""
        return len(self._items) < self._most

    @property
    def waits_for_answers(self) -> bool:
        """Whether something was sent on this stream and is not answered."""
        return bool(self._numbers)

    @property
    def finished(self) -> bool:
        """Whether all there will be is answered."""
        return self.ended and self.answered_through == self.taken

    def take(self, entry: bytes | Refused, now: float) -> None:
        """Take one more event, for which there is room; one that cannot be sent is answered."""
        if self.answered_through == self.taken:
            self._progress_at = now
        if isinstance(entry, Refused):
            self._items[self.taken] = _Item(b"", entry)
        else:
            self._items[self.taken] = _Item(entry)
            self._unsent.append(self.taken)
        self.taken += 1
        self._move_on()

    def begin_stream(self) -> None:
        """A new stream: what is not answered is sent again, in order."""
        self._numbers.clear()
        self._unsent = deque(
            place for place, each in self._items.items() if each.result is None and not each.resting
        )

    def next_request(self) -> pb.PublishStreamRequest | None:
        """The next events to send on this stream, as many as go together; None while none is."""
        bodies: list[bytes] = []
        first, size = self._last_number + 1, 0
        while self._unsent and len(bodies) < _MOST_TOGETHER:
            body = self._items[self._unsent[0]].body
            size += len(body)
            if bodies and size > _MOST_BYTES:
                break
            bodies.append(body)
            self._last_number += 1
            self._numbers[self._last_number] = self._unsent.popleft()
        if not bodies:
            return None
        following = [pb.PublishRequest(cloud_event_json=each) for each in bodies[1:]]
        return pb.PublishStreamRequest(
            number=first, cloud_event_json=bodies[0], following=following
        )

    def answer(self, response: pb.PublishStreamResponse, now: float) -> list[Rest]:
        """Keep answers; returns the events that are to be sent again. Unknown numbers are none."""
        answers: tuple[_Answer, ...] = (response, *response.following)
        rests = [self._answer(each, now) for each in answers]
        self._move_on()
        return [each for each in rests if each is not None]

    def _answer(self, answer: _Answer, now: float) -> Rest | None:
        place = self._numbers.pop(answer.number, None)
        if place is None:
            return None
        self._progress_at = now
        item = self._items[place]
        refusal = answer.refused
        if answer.WhichOneof("result") == "refused" and refusal.try_again:
            item.tries += 1
            item.give_up_at = item.give_up_at or now + self._patience
            if now + refusal.retry_after_seconds <= item.give_up_at:
                item.resting = True
                return Rest(place, item.tries, refusal.retry_after_seconds)
            trouble = f"gave up after {item.tries} tries: {refusal.code}: {refusal.detail}"
            item.result = Unavailable(trouble, code=refusal.code)
        else:
            item.result = _result(answer)
        return None

    def has_rested(self, place: int) -> None:
        """An event may be sent again."""
        item = self._items.get(place)
        if item is not None and item.resting:
            item.resting = False
            self._unsent.append(place)

    def break_off(self, trouble: str, code: str, until: float) -> None:
        """A stream broke, and the next one begins at `until`: if that is too late, give all up."""
        if until - self._progress_at <= self._patience:
            return
        for item in self._items.values():
            item.resting = False
            item.result = item.result or Unavailable(f"gave up: {trouble}", code=code)
        self._unsent.clear()
        self._move_on()

    def results(self) -> Iterator[Result]:
        """Hand back the results there are, in the events' order, each once."""
        while (item := self._items.get(self._handed_back)) and item.result is not None:
            del self._items[self._handed_back]
            self._handed_back += 1
            yield item.result

    def _move_on(self) -> None:
        while (item := self._items.get(self.answered_through)) and item.result is not None:
            self.answered_through += 1


def _result(answer: _Answer) -> Result:
    if answer.WhichOneof("result") == "accepted":
        event_id = answer.accepted.event_id
        return Receipt(event_id, f"{_STATUS}{event_id}", answer.accepted.duplicate)
    refusal = answer.refused
    return Refused(
        refusal.code or "refused",
        refusal.detail,
        errors=tuple(Fault(each.pointer, each.code, each.detail) for each in refusal.faults),
    )
