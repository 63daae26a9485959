"""What the process does until it is told to stop: its ways in, and what keeps them going."""

import asyncio
from datetime import timedelta
from functools import partial

from services.events import metrics, wire
from services.events.bootstrap.parts import IN_NUMBERS, Parts
from services.events.entrypoints import inbound_stream
from services.events.entrypoints.grpc_server.life_events import services
from services.events.entrypoints.http_api import create_app
from services.events.entrypoints.inbound_stream import Inbound
from services.events.entrypoints.stream import GROUP, Decisions
from services.events.handlers.follow_event import forget_assertions, mark_decided
from services.kit import rpc
from services.kit.access import AccessTable, RpcsMissingFromTable
from services.kit.catalogue import CatalogueInvalid, Problem
from services.kit.dead_letter import DeadLetters, dead_letter_topic
from services.kit.log_consumer import consume
from services.kit.log_lanes import consume_apart
from services.kit.log_producer import LogProducer
from services.kit.run import CannotStart
from services.kit.telemetry import log
from services.kit.topics import load_templates, load_topics
from services.kit.web import serve

FORGET_EVERY_SECONDS = 60.0
# Decisions are counted for whoever follows an event, which nobody does by the millisecond.
COUNT_AFTER_MS = 500


async def serve_http(parts: Parts, stop: asyncio.Event) -> None:
    """Publishing and following over HTTP."""
    settings, ready = parts.settings, partial(parts.probe.ready, "http")
    app = create_app(
        parts.publishing,
        parts.catalogue,
        parts.probe.is_ready,
        settings.public_hosts.split(","),
        read_timeout_seconds=settings.read_timeout_seconds,
    )
    await serve(app, settings.host, settings.http_port, stop, ready=ready)


async def serve_grpc(parts: Parts, stop: asyncio.Event) -> None:
    """The same over gRPC; raises CannotStart."""
    settings = parts.settings
    try:
        server = rpc.create_server(
            f"{settings.host}:{settings.grpc_port}",
            add_services=services(parts.publishing, stop),
            access=AccessTable.load(settings.protos_dir / "rpc-access.yaml"),
            describes_itself=settings.environment != "production",
        )
    except (CatalogueInvalid, RpcsMissingFromTable) as wrong:
        raise CannotStart(str(wrong)) from None
    await rpc.serve(server, stop, ready=partial(parts.probe.ready, "grpc"))


async def take_inbound(parts: Parts, stop: asyncio.Event) -> None:
    """The same from publishers' own topics."""
    settings = parts.settings
    # A producer of its own: while a topic is away that refusals go to, receipts do not wait for it.
    producer = LogProducer(settings.kafka_bootstrap, "events-inbound", linger_ms=0)
    inbound = Inbound(
        publishing=parts.publishing,
        believe_at=parts.tokens.assertion_at,
        topic=load_templates(settings.protos_dir / "topics")[wire.INBOUND_EVENTS],
        dead_letters=partial(_dead_letters, parts, producer),
        now=parts.clock.now,
        shift=timedelta(seconds=settings.clock_offset_seconds),
    )
    try:
        await consume_apart(
            bootstrap=settings.kafka_bootstrap,
            pattern=inbound_stream.TOPICS,
            group=inbound_stream.GROUP,
            handle=inbound.handle,
            ready=partial(parts.probe.ready, "inbound"),
            stop=stop,
            max_records=IN_NUMBERS.most,
        )
    finally:
        await producer.close()


async def count_decisions(parts: Parts, stop: asyncio.Event) -> None:
    """Count decisions for whoever follows an event."""
    topics = load_topics(parts.settings.protos_dir / "topics")
    decisions = Decisions(
        mark=partial(mark_decided, parts.admissions),
        dead_letters=_dead_letters(
            parts, parts.producer, dead_letter_topic(topics[wire.DECISIONS])
        ),
    )
    await consume(
        bootstrap=parts.settings.kafka_bootstrap,
        topics=[wire.DECISIONS],
        group=GROUP,
        handle=decisions.handle,
        ready=partial(parts.probe.ready, "decisions"),
        stop=stop,
        patience_ms=COUNT_AFTER_MS,
    )


async def watch_catalogue(parts: Parts, stop: asyncio.Event) -> None:
    """Bring changed files into force."""
    await parts.catalogue.watch(stop, _tell_problems)


async def forget_expired(parts: Parts, stop: asyncio.Event) -> None:
    """Forget what nobody can use any more."""
    while not stop.is_set():
        try:
            async with asyncio.timeout(FORGET_EVERY_SECONDS):
                await stop.wait()
        except TimeoutError:
            await forget_assertions(parts.admissions, parts.clock.now())


def _tell_problems(problems: list[Problem]) -> None:
    metrics.catalogue_problems(len(problems))
    for each in problems:
        place = f"{each.file}:{each.line}:{each.column}"
        log(__name__).warning("catalogue problem", extra={"file": place, "code": each.code})


def _dead_letters(parts: Parts, producer: LogProducer, topic: str) -> DeadLetters:
    return DeadLetters(
        send=producer.send,
        topic=topic,
        service="events",
        now=parts.clock.now,
        count=metrics.set_aside,
    )
