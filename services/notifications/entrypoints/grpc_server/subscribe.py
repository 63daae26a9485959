"""A device's stream: sealed prompts as they come, heartbeats in between."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from grpc import StatusCode
from opentelemetry.trace import SpanKind

from joinedup.notifications.v1 import prompts_pb2
from services.kit.rpc import RpcRefused
from services.kit.rpc_server import end_call
from services.kit.rpc_status import wire_status
from services.kit.telemetry import context_from, current_traceparent, span
from services.notifications import metrics
from services.notifications.domain.errors import Closing, LeaseLost, StreamClosed
from services.notifications.domain.lease import ServingLease
from services.notifications.domain.prompt import OnStream, Recall, StreamItem
from services.notifications.domain.tokens import PlaceTokens
from services.notifications.ports import Live, LiveRegistry, WakeUps
from services.notifications.wire.prompts import HEARTBEAT, sealed, withdrawn

# Heartbeats of many devices must not fall together: 25 s is 20 to 30.
JITTER_SHARE: Final = 0.2
_STATUSES: Final = {Closing.SLOW_READER: StatusCode.RESOURCE_EXHAUSTED}


@dataclass(frozen=True, slots=True)
class Subscribing:
    """What a stream stands on.

    `sent` is told of every frame whose write has completed; `jitter` answers evenly spread
    numbers from 0 to 1.
    """

    streams: LiveRegistry
    tokens: PlaceTokens
    lease: ServingLease
    wake_ups: WakeUps
    wake: Callable[[Iterable[str]], None]
    sent: Callable[[StreamItem], None]
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    jitter: Callable[[], float]
    heartbeat_seconds: float
    max_age_seconds: float


async def subscribe(subject: str, cursor: str, context: Any, on: Subscribing) -> None:
    """Serve one stream until its device leaves, its time is up, or it must be closed.

    Raises CursorInvalid, LeaseLost and TooManyStreams before anything is sent.
    """
    position = on.tokens.position(subject, cursor)
    on.lease.require()
    try:
        with on.streams.live(subject, position) as stream:
            on.wake_ups.present(subject)
            on.wake([subject])
            await _serve(stream, context, on)
    finally:
        if not on.streams.is_live(subject):
            on.wake_ups.absent(subject)


async def _serve(stream: Live, context: Any, on: Subscribing) -> None:
    try:
        await context.send_initial_metadata(())
        await _write_all(stream, context, on)
    except StreamClosed as closed:
        await _say_goodbye(context, closed.why)
    except LeaseLost:
        await _say_goodbye(context, Closing.LEASE_LOST)


async def _write_all(stream: Live, context: Any, on: Subscribing) -> None:
    ends_at = on.monotonic() + on.max_age_seconds
    while (left := ends_at - on.monotonic()) > 0:
        silence = on.heartbeat_seconds * (1 + JITTER_SHARE * (2 * on.jitter() - 1))
        item = await stream.take(min(silence, left))
        # Nothing leaves without a lease, whatever else has not noticed its end yet.
        on.lease.require()
        await _write_one(item, stream, context, on)


async def _write_one(item: OnStream | None, stream: Live, context: Any, on: Subscribing) -> None:
    if item is None:
        await _write(stream, context, HEARTBEAT)
        return
    cursor = on.tokens.cursor(item.subject, item.position)
    if isinstance(item, Recall):
        await _write(stream, context, withdrawn(item, cursor))
        metrics.RECALL_SECONDS.record((on.now() - item.at).total_seconds())
        return
    attributes = {"joinedup.prompt_id": item.prompt_id, "joinedup.nudge": item.nudge}
    with span("prompt send", SpanKind.PRODUCER, attributes, context_from(item.traceparent)):
        await _write(stream, context, sealed(item, cursor, current_traceparent()))
    on.sent(item)
    metrics.FRAMES.add(1)


async def _write(stream: Live, context: Any, frame: prompts_pb2.SubscribeResponse) -> None:
    """Write one frame; raises StreamClosed when the stream is closed before its reader takes it."""
    with stream.writing():
        writing = asyncio.ensure_future(context.write(frame))
        closed = asyncio.ensure_future(stream.closed.wait())
        try:
            await asyncio.wait({writing, closed}, return_when=asyncio.FIRST_COMPLETED)
            if not writing.done():
                stream.require_open()
            await writing
        finally:
            closed.cancel()
            if not writing.done():
                writing.cancel()
                with suppress(asyncio.CancelledError):
                    await writing


async def _say_goodbye(context: Any, why: Closing) -> None:
    """End the RPC with its status."""
    metrics.CLOSED_STREAMS.add(1, {"joinedup.reason": why.value})
    refused = RpcRefused(_STATUSES.get(why, StatusCode.UNAVAILABLE), why.value)
    await end_call(wire_status(refused), context)
