"""Identity put together: the only place where settings become parts."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

import grpc
import psycopg

from services.identity.adapters import catalogue_files
from services.identity.adapters.fences_grpc import GrpcFences
from services.identity.adapters.kept_channels import KeptChannels
from services.identity.adapters.oidc_id_tokens import OidcIdTokens, fetch_json
from services.identity.adapters.outbox_relay import OutboxRelay
from services.identity.adapters.person_tokens import SignedPersonTokens
from services.identity.adapters.postgres_access import PostgresAccessLog
from services.identity.adapters.postgres_fences import PostgresFences
from services.identity.adapters.postgres_pool import Pool, make_pool
from services.identity.adapters.postgres_store import PostgresStore
from services.identity.adapters.waiting_lines_grpc import GrpcWaitingLines
from services.identity.domain.identifier import Fingerprints
from services.identity.domain.page_token import PageTokens
from services.identity.entrypoints import upkeep
from services.identity.entrypoints.grpc_server import services
from services.identity.entrypoints.surroundings import Surroundings
from services.identity.handlers.fencing import Fencing
from services.identity.settings import Settings
from services.kit import rpc, telemetry
from services.kit.access import AccessTable, RpcsMissingFromTable
from services.kit.catalogue import CatalogueInvalid
from services.kit.clock import Clock, ClockShiftRefused, SystemClock, make_clock
from services.kit.ids import new_random_id
from services.kit.log_producer import LogProducer, LogUnavailable
from services.kit.migrations import MigrationRefused, migrate
from services.kit.probe import Probe
from services.kit.run import CannotStart
from services.kit.secret_file import read_key
from services.kit.service_tokens import TokenSigner, TokenVerifier

NAME: Final = "identity"
FENCED: Final = "notifications"
MIGRATIONS: Final = Path(__file__).parent / "adapters" / "migrations"


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until stopped; raises CannotStart."""
    running = telemetry.start(
        NAME,
        otlp_endpoint=settings.otlp_endpoint,
        sample_ratio=settings.trace_sample_ratio,
        instance=str(os.getpid()),
        environment=settings.environment,
        log_level=settings.log_level,
    )
    probe = Probe(settings.host, settings.probe_port, conditions=("postgres", "kafka", "grpc"))
    try:
        # Everything that can be wrong with this machine is wrong before a server is waited for.
        parts = _parts(settings)
        probe.start()
        await _migrate(settings)
        async with parts.pool:
            probe.ready("postgres")
            await _run(settings, parts, probe, stop)
        await parts.producer.close()
    finally:
        probe.stop()
        running.shutdown()


@dataclass(frozen=True)
class _Parts:
    """What is put together before anything runs."""

    around: Surroundings
    pool: Pool
    producer: LogProducer
    relay: OutboxRelay
    channels: KeptChannels
    server: grpc.aio.Server


def _parts(settings: Settings) -> _Parts:
    try:
        clock = make_clock(settings.clock_offset_seconds, settings.environment)
        pool = make_pool(settings.database_url.get_secret_value())
        producer = LogProducer(settings.kafka_bootstrap, NAME)
        relay = OutboxRelay(pool, producer)
        channels = KeptChannels(_own_token(settings, clock))
        around = _surroundings(settings, pool, clock, relay, channels)
        server = _server(settings, around)
    except (CatalogueInvalid, ClockShiftRefused, RpcsMissingFromTable) as wrong:
        raise CannotStart(str(wrong)) from None
    except OSError as missing:
        raise CannotStart(f"{missing.filename} cannot be read: {missing.strerror}") from None
    return _Parts(around, pool, producer, relay, channels, server)


def _server(settings: Settings, around: Surroundings) -> grpc.aio.Server:
    keys = _required(settings.service_keys_dir, "IDENTITY_SERVICE_KEYS_DIR")
    person_key = settings.person_token_public_key_file
    return rpc.create_server(
        f"{settings.host}:{settings.grpc_port}",
        add_services=services(around),
        access=AccessTable.load(settings.protos_dir / "rpc-access.yaml"),
        verifier=TokenVerifier(NAME, keys, person_key, clock=around.clock),
        describes_itself=settings.environment != "production",
    )


async def _migrate(settings: Settings) -> None:
    try:
        await migrate(settings.database_url.get_secret_value(), MIGRATIONS, NAME)
    except MigrationRefused as refused:
        raise CannotStart(str(refused)) from None
    except psycopg.Error as error:
        raise CannotStart(f"PostgreSQL refuses: {type(error).__name__}") from None


async def _run(settings: Settings, parts: _Parts, probe: Probe, stop: asyncio.Event) -> None:
    around, kept = parts.around, timedelta(days=settings.access_log_days)
    try:
        # One that fails ends the others, and the process with them: a supervisor starts it anew.
        async with asyncio.TaskGroup() as together:
            beside = [
                together.create_task(work)
                for work in (
                    _connect(parts.producer, probe),
                    parts.relay.run(stop),
                    upkeep.keep_fencing(around.fencing, stop),
                    upkeep.keep_expiring(around.store, around.clock, stop),
                    upkeep.keep_doubts_counted(around.store, stop),
                    upkeep.keep_forgetting(around.access_log, kept, around.clock, stop),
                    around.publishers.watch(stop, _reloaded),
                    around.event_types.watch(stop, _reloaded),
                    around.agreements.watch(stop, _reloaded),
                )
            ]
            await rpc.serve(parts.server, stop, ready=partial(probe.ready, "grpc"))
            for each in beside:
                each.cancel()
    finally:
        await parts.channels.close()


async def _connect(producer: LogProducer, probe: Probe) -> None:
    """Until the log answers, what is to be told to it waits in the outbox."""
    while True:
        try:
            await producer.start()
        except LogUnavailable:
            continue
        probe.ready("kafka")
        return


def _surroundings(
    settings: Settings, pool: Pool, clock: Clock, relay: OutboxRelay, channels: KeptChannels
) -> Surroundings:
    lease = timedelta(seconds=settings.lease_seconds)
    book = PostgresFences(pool, lease)
    identifier_key = read_key(settings.identifier_key_file)
    return Surroundings(
        store=PostgresStore(pool, new_random_id, relay.wake),
        book=book,
        fencing=Fencing(book, GrpcFences(channels), clock, asyncio.sleep),
        fingerprints=Fingerprints(identifier_key),
        event_types=catalogue_files.event_types(settings.catalogue_dir),
        agreements=catalogue_files.agreements(settings.catalogue_dir),
        publishers=catalogue_files.publishers(settings.catalogue_dir),
        # The provider keeps real time, whatever day it is pretended to be here.
        id_tokens=OidcIdTokens(
            settings.oidc_issuer, settings.oidc_client_id, SystemClock(), fetch_json
        ),
        person_tokens=SignedPersonTokens(settings.person_token_private_key_file, new_random_id),
        issuer=settings.oidc_issuer,
        lease=lease,
        clock=clock,
        new_id=new_random_id,
        access_log=PostgresAccessLog(pool),
        waiting_lines=GrpcWaitingLines(book, channels),
        page_tokens=PageTokens(identifier_key),
    )


def _own_token(settings: Settings, clock: Clock) -> Callable[[], str]:
    key_file = _required(settings.service_key_file, "IDENTITY_SERVICE_KEY_FILE")
    signer = TokenSigner(NAME, key_file)
    return lambda: signer.token(FENCED, clock.now())


def _required(path: Path | None, variable: str) -> Path:
    if path is None:
        raise CannotStart(f"{variable} is not set")
    return path


def _reloaded(_problems: object) -> None:
    """The loader has said what there is to say."""
