"""A record that can never be read, set aside as it came, with the reason."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from services.kit.codec import MAX_HEADER_BYTES, MAX_HEADERS, Headers
from services.kit.log_consumer import Record
from services.kit.run import CannotStart
from services.kit.telemetry import log
from services.kit.topics import Topic

ORIGINAL_PREFIX: Final = "dl_h_"


@dataclass(frozen=True)
class DeadLetter:
    """What is written to the dead-letter topic; value and key as they came."""

    key: bytes | None
    value: bytes | None
    headers: Headers


def dead_letter(
    *,
    topic: str,
    partition: int,
    offset: int,
    key: bytes | None,
    value: bytes | None,
    headers: Iterable[tuple[str, bytes | None]],
    reason: str,
    service: str,
    now: datetime,
    more: Iterable[tuple[str, bytes]] = (),
) -> DeadLetter:
    """The record's dead letter; `more` says what else is to be said about it.

    Its own headers are kept under a prefix while they fit in what a record may carry; the trace's
    header stays what it is, so that the letter is part of its trace.
    """
    about = {
        "dl_reason": reason,
        "dl_topic": topic,
        "dl_partition": str(partition),
        "dl_offset": str(offset),
        "dl_sha256": hashlib.sha256(value or b"").hexdigest(),
        "dl_service": service,
        "dl_time": now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    kept: Headers = [*((name, text.encode()) for name, text in about.items()), *more]
    size = sum(len(name) + len(text) for name, text in kept)
    for name, original in headers:
        kept_name = name if name == "traceparent" else f"{ORIGINAL_PREFIX}{name}"
        size += len(kept_name.encode("utf-8", "replace")) + len(original or b"")
        # The producer adds one header of its own.
        if len(kept) >= MAX_HEADERS - 1 or size > MAX_HEADER_BYTES:
            break
        kept.append((kept_name, original or b""))
    return DeadLetter(key, value, kept)


def dead_letter_topic(topic: Topic) -> str:
    """Where a topic's dead letters go; raises CannotStart when it declares nothing.

    A consumer without it would stop at the first record that it has to set aside.
    """
    if topic.dead_letter is None:
        raise CannotStart(f"{topic.topic} declares no dead-letter topic")
    return topic.dead_letter


class Send(Protocol):
    """Appends a record to the log and waits for its word."""

    def __call__(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers, /
    ) -> Awaitable[object]:
        """Append one."""
        ...


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Sets aside what a service can never read; `topic` takes the letters, `count` each reason."""

    send: Send
    topic: str
    service: str
    now: Callable[[], datetime]
    count: Callable[[str], None]

    async def set_aside(
        self, record: Record, reason: str, more: Iterable[tuple[str, bytes]] = ()
    ) -> None:
        """Write the record's letter, then count and log it; raises what sending raises.

        The offset may move when this returns, since the log has the letter then.
        """
        letter = dead_letter(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=record.key,
            value=record.value,
            headers=record.headers,
            reason=reason,
            service=self.service,
            now=self.now(),
            more=more,
        )
        await self.send(self.topic, letter.key, letter.value, letter.headers)
        self.count(reason)
        place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        log(__name__).warning("record set aside", extra={**place, "reason": reason})
