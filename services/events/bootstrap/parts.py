"""What lives as long as the process: connected, brought up to date, let go."""

import math
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final

import grpc
import psycopg
from psycopg_pool import AsyncConnectionPool

from services.events import wire
from services.events.adapters.catalogue_files import CatalogueFiles
from services.events.adapters.identity_subjects import (
    DEADLINE_SECONDS,
    IdentityAccessLog,
    IdentitySubjects,
)
from services.events.adapters.kafka_log import KafkaLog
from services.events.adapters.postgres_admissions import (
    MIGRATIONS,
    PostgresAdmissions,
    pool_for,
)
from services.events.adapters.publisher_tokens import PublisherTokens
from services.events.adapters.sandbox import Sandbox
from services.events.entrypoints.publishing import Publishing
from services.events.handlers.admit_life_events import Door, admit_life_events
from services.events.handlers.keep_to_rate import Rates
from services.events.ports import Beyond
from services.events.settings import EventsSettings
from services.kit import rpc
from services.kit.catalogue import CatalogueInvalid
from services.kit.clock import Clock, make_clock
from services.kit.ids import new_random_id
from services.kit.log_producer import LogProducer, LogUnavailable
from services.kit.migrations import MigrationRefused, migrate
from services.kit.probe import Probe
from services.kit.run import CannotStart
from services.kit.service_tokens import TokenSigner
from services.kit.together import Together

CONDITIONS: Final = ("postgres", "kafka", "decisions", "inbound", "http", "grpc")


@dataclass(frozen=True)
class Lane:
    """How many events are admitted together: enough to share what it costs, and still quick.

    So many such groups are under way at once, and they begin so far from each other. A group that
    takes longer than the patience (it silences somebody first, or a store is slow) is not counted.
    """

    most: int
    at_once: int
    pace_seconds: float = 0.0
    patience_seconds: float = math.inf


ONE_BY_ONE: Final = Lane(most=100, at_once=2, pace_seconds=0.01, patience_seconds=0.1)
IN_NUMBERS: Final = Lane(most=250, at_once=4)


@dataclass(frozen=True)
class Parts:
    """What lives as long as the process."""

    settings: EventsSettings
    clock: Clock
    probe: Probe
    catalogue: CatalogueFiles
    admissions: PostgresAdmissions
    producer: LogProducer
    tokens: PublisherTokens
    publishing: Publishing


async def assemble(settings: EventsSettings, until_the_end: AsyncExitStack) -> Parts:
    """Every part, connected; raises CannotStart."""
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
        access_log=IdentityAccessLog(channel),
        live=live,
        sandbox=Beyond(sandbox, sandbox),
        now=clock.now,
        new_claim=new_random_id,
    )
    singly, many = (
        Together(
            partial(admit_life_events, door),
            most=lane.most,
            at_once=lane.at_once,
            pace_seconds=lane.pace_seconds,
            patience_seconds=lane.patience_seconds,
        )
        for lane in (ONE_BY_ONE, IN_NUMBERS)
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
    return Parts(settings, clock, probe, catalogue, admissions, producer, tokens, publishing)


def _probe(settings: EventsSettings) -> Probe:
    probe = Probe(settings.host, settings.probe_port, CONDITIONS)
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
