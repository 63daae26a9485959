"""A record that can never be read, set aside as it came, with the reason."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from services.kit.codec import MAX_HEADER_BYTES, MAX_HEADERS, Headers

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
) -> DeadLetter:
    """The record's dead letter.

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
    kept: Headers = [(name, text.encode()) for name, text in about.items()]
    size = sum(len(name) + len(text) for name, text in kept)
    for name, original in headers:
        kept_name = name if name == "traceparent" else f"{ORIGINAL_PREFIX}{name}"
        size += len(kept_name.encode("utf-8", "replace")) + len(original or b"")
        # The producer adds one header of its own.
        if len(kept) >= MAX_HEADERS - 1 or size > MAX_HEADER_BYTES:
            break
        kept.append((kept_name, original or b""))
    return DeadLetter(key, value, kept)
