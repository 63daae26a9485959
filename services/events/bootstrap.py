"""Everything put together: the one place where settings are read and parts are chosen."""

import asyncio
import os
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
import psycopg
from psycopg_pool import AsyncConnectionPool

from services.events import metrics, wire
from services.events.adapters.catalogue_files import CatalogueFiles
from services.events.adapters.identity_subjects import DEADLINE_SECONDS, IdentitySubjects
from services.events.adapters.kafka_log import KafkaLog
from services.events.adapters.postgres_admissions import (
    MIGRATIONS,
    PostgresAdmissions,
    pool_for,
)
from services.events.adapters.publisher_tokens import PublisherTokens
from services.events.adapters.sandbox import Sandbox
from services.events.entrypoints.grpc_server.life_events import services
from services.events.entrypoints.http_api import create_app
from services.events.entrypoints.publishing import Publishing
from services.events.entrypoints.stream import GROUP, Decisions
from services.events.handlers.admit_life_events import Door, admit_life_events
from services.events.handlers.follow_event import forget_assertions, mark_decided
from services.events.handlers.keep_to_rate import Rates
from services.events.ports import Beyond
from services.events.settings import EventsSettings
from services.kit import rpc
from services.kit.access import AccessTable, RpcsMissingFromTable
from services.kit.catalogue import CatalogueInvalid, Problem
from services.kit.clock import Clock, make_clock
from services.kit.dead_letter import DeadLetters, dead_letter_topic
from services.kit.ids import new_random_id
from services.kit.log_consumer import consume
from services.kit.log_producer import LogProducer, LogUnavailable
from services.kit.migrations import MigrationRefused, migrate
from services.kit.probe import Probe
from services.kit.run import CannotStart
from services.kit.service_tokens import TokenSigner
from services.kit.settings import load
from services.kit.telemetry import log
from services.kit.telemetry import start as start_telemetry
from services.kit.together import Together
from services.kit.topics import load_topics
from services.kit.web import serve

FORGET_EVERY_SECONDS = 60.0
# Decisions are counted for whoever follows an event, which nobody does by the millisecond.
COUNT_AFTER_MS = 500
# How many events are admitted together, of those that come one by one and of those that come in
# numbers: enough to share what it costs, few enough to be quick.
ONE_BY_ONE = 100
IN_NUMBERS = 250
GROUPS_AT_ONCE = 2


@dataclass(frozen=True)
class Parts:
    """What lives as long as the process."""

    settings: EventsSettings
    clock: Clock
    probe: Probe
    catalogue: CatalogueFiles
    admissions: PostgresAdmissions
    producer: LogProducer
    publishing: Publishing


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
            parts = await _assemble(settings, until_the_end)
            await _run(parts, stop)
    finally:
        await asyncio.to_thread(telemetry.shutdown)


async def _run(parts: Parts, stop: asyncio.Event) -> None:
    works = (
        _serve(parts, stop),
        _serve_grpc(parts, stop),
        _count_decisions(parts, stop),
        parts.catalogue.watch(stop, _tell_problems),
        _forget_expired(parts, stop),
    )
    ended = await asyncio.gather(
        *(_with_others(work, stop) for work in works), return_exceptions=True
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


async def _assemble(settings: EventsSettings, until_the_end: AsyncExitStack) -> Parts:
    clock = make_clock(settings.clock_offset_seconds, settings.environment)
    probe = _probe(settings)
    until_the_end.callback(probe.stop)
    catalogue = _catalogue(settings)
    pool = await _database(settings)
    until_the_end.push_async_callback(pool.close)
    probe.ready("postgres")
    producer = await _producer(settings)
    until_the_end.push_async_callback(producer.close)
    probe.ready("kafka")
    channel = _identity(settings, clock)
    until_the_end.push_async_callback(channel.close)
    admissions = PostgresAdmissions(pool)
    live = Beyond(IdentitySubjects(channel), KafkaLog(producer, wire.LIFE_EVENTS))
    sandbox = Sandbox(pool, catalogue.event_type)
    door = Door(
        register=catalogue,
        admissions=admissions,
        live=live,
        sandbox=Beyond(sandbox, sandbox),
        now=clock.now,
        new_claim=new_random_id,
    )
    singly, many = (
        Together(partial(admit_life_events, door), most=most, at_once=GROUPS_AT_ONCE)
        for most in (ONE_BY_ONE, IN_NUMBERS)
    )
    until_the_end.push_async_callback(singly.close)
    until_the_end.push_async_callback(many.close)
    tokens = PublisherTokens(catalogue.publisher, settings.publisher_keys_dir, clock.now)
    publishing = Publishing(
        admit=singly.ask_all,
        admit_many=many.ask_all,
        admissions=admissions,
        rates=Rates(catalogue, clock.monotonic),
        believe=tokens.assertion,
        still_believed=tokens.still_believed,
        monotonic=clock.monotonic,
    )
    return Parts(settings, clock, probe, catalogue, admissions, producer, publishing)


async def _serve(parts: Parts, stop: asyncio.Event) -> None:
    hosts = parts.settings.public_hosts.split(",")
    app = create_app(parts.publishing, parts.catalogue, parts.probe.is_ready, hosts)
    settings, ready = parts.settings, partial(parts.probe.ready, "http")
    await serve(app, settings.host, settings.http_port, stop, ready=ready)


async def _serve_grpc(parts: Parts, stop: asyncio.Event) -> None:
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


async def _count_decisions(parts: Parts, stop: asyncio.Event) -> None:
    topics = load_topics(parts.settings.protos_dir / "topics")
    decisions = Decisions(
        mark=partial(mark_decided, parts.admissions),
        dead_letters=DeadLetters(
            send=parts.producer.send,
            topic=dead_letter_topic(topics[wire.DECISIONS]),
            service="events",
            now=parts.clock.now,
            count=metrics.set_aside,
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


async def _forget_expired(parts: Parts, stop: asyncio.Event) -> None:
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


def _probe(settings: EventsSettings) -> Probe:
    conditions = ("postgres", "kafka", "decisions", "http", "grpc")
    probe = Probe(settings.host, settings.probe_port, conditions)
    try:
        probe.start()
    except OSError:
        raise CannotStart(f"port {settings.probe_port} is taken by another process") from None
    return probe


def _catalogue(settings: EventsSettings) -> CatalogueFiles:
    try:
        return CatalogueFiles(
            settings.catalogue_dir,
            settings.protos_dir / "examples",
            fictitious=settings.environment != "production",
        )
    except CatalogueInvalid as invalid:
        raise CannotStart(f"the catalogue is not valid\n{invalid}") from None


async def _database(settings: EventsSettings) -> AsyncConnectionPool:
    url = settings.database_url.get_secret_value()
    try:
        await migrate(url, MIGRATIONS, "events")
    except MigrationRefused as refused:
        raise CannotStart(str(refused)) from None
    except psycopg.OperationalError:
        raise CannotStart("no database answers at EVENTS_DATABASE_URL") from None
    pool = pool_for(url)
    await pool.open()
    return pool


async def _producer(settings: EventsSettings) -> LogProducer:
    # Somebody waits for each answer: what comes at once still travels together.
    producer = LogProducer(settings.kafka_bootstrap, "events", linger_ms=0)
    try:
        await producer.start()
    except LogUnavailable:
        raise CannotStart("no broker answers at EVENTS_KAFKA_BOOTSTRAP") from None
    return producer


def _identity(settings: EventsSettings, clock: Clock) -> grpc.aio.Channel:
    if settings.service_key_file is None:
        raise CannotStart("EVENTS_SERVICE_KEY_FILE is not set: set it to this service's key")
    signer = TokenSigner("events", settings.service_key_file)
    return rpc.connect(
        settings.identity_target,
        token=lambda: signer.token("identity", clock.now()),
        default_deadline_seconds=DEADLINE_SECONDS,
    )
