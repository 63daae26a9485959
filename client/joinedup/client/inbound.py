"""Straight to Kafka: what a department writes to its own topic, and reads of what was refused.

Any Kafka client sends such a record and reads such a refusal; none is needed here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from joinedup.client.errors import Fault, Refused, from_problem
from joinedup.client.event_body import Event, body_of
from joinedup.client.publisher_token import LONGEST_LIFETIME_SECONDS, PublisherKey
from joinedup.client.tracing import TRACEPARENT, current_traceparent

MEDIA_TYPE: Final = "application/cloudevents+json"
_DEAD_LETTER: Final = ".dead-letter"


class InboundRecord(NamedTuple):
    """A record to send as it is; its key does not matter."""

    topic: str
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record that was not let in."""

    value: bytes
    """As it was sent."""
    refused: Refused
    """Why, with the same code and places that every other way in answers."""
    topic: str
    """Where it was sent to."""
    partition: int
    offset: int


def inbound_topic(publisher_id: str) -> str:
    """The topic that a publisher writes to."""
    return f"inbound-events.{publisher_id}.v1"


def refusals_topic(publisher_id: str) -> str:
    """The topic that a publisher reads what was refused from."""
    return inbound_topic(publisher_id) + _DEAD_LETTER


def inbound_record(event: Event, key: PublisherKey, *, now: float | None = None) -> InboundRecord:
    """The record of an event, with a token for this event alone.

    Send it within five minutes of `now` (POSIX seconds; the present when left out): the platform
    judges the token by the moment at which the broker takes the record. Raises Refused for what
    cannot be an event, or has no id to name in the token.
    """
    value = body_of(event)
    moment = time.time() if now is None else now
    token = key.token(moment, jti=_id_of(event), lifetime_seconds=LONGEST_LIFETIME_SECONDS)
    headers = [
        ("authorization", f"Bearer {token}".encode()),
        ("content-type", MEDIA_TYPE.encode()),
    ]
    if traceparent := current_traceparent():
        headers.append((TRACEPARENT, traceparent.encode()))
    return InboundRecord(inbound_topic(key.publisher_id), value, headers)


def read_refusal(record: Any) -> RefusedRecord:
    """What a record of the dead-letter topic says, as any Kafka client hands it over.

    The record has `headers`, pairs of a name and bytes, and `value`; both may be methods. Raises
    ValueError for a record that is no refusal.
    """
    headers = _headers(record)
    try:
        problem = json.loads(headers["dl_problem"])
        return RefusedRecord(
            value=_given(record.value) or b"",
            refused=from_problem(problem, problem.get("status")),
            topic=headers["dl_topic"].decode(),
            partition=int(headers["dl_partition"]),
            offset=int(headers["dl_offset"]),
        )
    except (KeyError, AttributeError, ValueError):
        raise ValueError("this record is no refusal of the platform's") from None


def _headers(record: Any) -> dict[str, bytes]:
    pairs: Iterable[tuple[str, bytes]] = _given(record.headers) or ()
    return dict(pairs)


def _given(value_or_method: Any) -> Any:
    return value_or_method() if callable(value_or_method) else value_or_method


def _id_of(event: Event) -> str:
    try:
        told = json.loads(event) if isinstance(event, bytes) else event
        id_ = told["id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        id_ = None
    if not isinstance(id_, str) or not id_:
        missing = Fault("/id", "field_required", "is required")
        raise Refused("field_required", "The event has no id.", errors=(missing,))
    return id_
