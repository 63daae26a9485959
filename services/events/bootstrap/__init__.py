"""Everything put together: the one place where settings are read and parts are chosen."""

import asyncio
import os
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

from services.events.bootstrap import works
from services.events.bootstrap.parts import Parts, assemble
from services.events.settings import EventsSettings
from services.kit.settings import load
from services.kit.telemetry import start as start_telemetry

__all__ = ["main"]


async def main(stop: asyncio.Event) -> None:
    """Run the service until stopped."""
    settings = load(EventsSettings)
    telemetry = start_telemetry(
        "events",
        otlp_endpoint=settings.otlp_endpoint,
        sample_ratio=settings.trace_sample_ratio,
        instance=f"events-{os.getpid()}",
        environment=settings.environment,
        log_level=settings.log_level,
    )
    try:
        async with AsyncExitStack() as until_the_end:
            parts = await assemble(settings, until_the_end)
            await _run(parts, stop)
    finally:
        await asyncio.to_thread(telemetry.shutdown)


async def _run(parts: Parts, stop: asyncio.Event) -> None:
    under_way = (
        works.serve_http(parts, stop),
        works.serve_grpc(parts, stop),
        works.take_inbound(parts, stop),
        works.count_decisions(parts, stop),
        works.watch_catalogue(parts, stop),
        works.forget_expired(parts, stop),
    )
    ended = await asyncio.gather(
        *(_with_others(work, stop) for work in under_way), return_exceptions=True
    )
    for each in ended:
        if isinstance(each, BaseException):
            raise each


async def _with_others(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
    """Work whose end is the end of all: the supervisor starts the process anew."""
    try:
        await work
    finally:
        stop.set()
