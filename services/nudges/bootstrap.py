"""Everything put together: the one place where settings are read and parts are chosen."""

import asyncio
import os
from functools import partial

import grpc
from aiokafka.errors import KafkaError

from services.kit.catalogue import CatalogueInvalid
from services.kit.clock import Clock, make_clock
from services.kit.dead_letter import dead_letter_topic
from services.kit.log_producer import LogUnavailable
from services.kit.probe import Probe
from services.kit.retry import back_off
from services.kit.rpc import connect
from services.kit.run import CannotStart
from services.kit.service_tokens import TokenSigner
from services.kit.settings import load
from services.kit.telemetry import log
from services.kit.telemetry import start as start_telemetry
from services.kit.topics import load_topics
from services.nudges import handlers, wire
from services.nudges.adapters.catalogue_files import CatalogueFiles
from services.nudges.adapters.identity_snapshots import DEADLINE_SECONDS, IdentitySnapshots
from services.nudges.adapters.kafka_chunk_producer import ChunkProducer
from services.nudges.adapters.kafka_log_ends import KafkaLogEnds
from services.nudges.adapters.kafka_permission_feed import KafkaPermissionFeed
from services.nudges.adapters.permission_view import PermissionView, ReadThrough
from services.nudges.entrypoints.stream import (
    Group,
    Stream,
    consumer_of,
    create_stream_app,
    leave_process,
)
from services.nudges.entrypoints.worker import Worker
from services.nudges.settings import NudgesSettings


async def main(stop: asyncio.Event) -> None:
    """Run the service until stopped."""
    settings = load(NudgesSettings)
    telemetry = start_telemetry(
        "nudges",
        otlp_endpoint=settings.otlp_endpoint,
        sample_ratio=settings.trace_sample_ratio,
        instance=settings.consumer_slot,
        environment=settings.environment,
        log_level=settings.log_level,
    )
    probe = _probe(settings)
    catalogue = _catalogue(settings)
    view = PermissionView()
    feed = KafkaPermissionFeed(
        settings.kafka_bootstrap, view, caught_up=partial(probe.ready, "permissions")
    )
    producer = ChunkProducer(
        settings.kafka_bootstrap, settings.consumer_slot, settings.delivery_seconds
    )
    ends = KafkaLogEnds(settings.kafka_bootstrap)
    dead_letters = await _log_ready(settings, producer, ends)
    stream = _stream(
        settings,
        probe=probe,
        catalogue=catalogue,
        view=view,
        producer=producer,
        ends=ends,
        dead_letters=dead_letters,
    )
    beside = [asyncio.create_task(feed.run(stop)), asyncio.create_task(catalogue.watch(stop))]
    for task in beside:
        task.add_done_callback(partial(_ended, stop))
    await stream.run(stop)
    await producer.close()
    telemetry.shutdown()
    # Faust's threads may outlive its stop; nothing is left that they could do.
    os._exit(0)


def _stream(
    settings: NudgesSettings,
    *,
    probe: Probe,
    catalogue: CatalogueFiles,
    view: PermissionView,
    producer: ChunkProducer,
    ends: KafkaLogEnds,
    dead_letters: str,
) -> Stream:
    clock = make_clock(settings.clock_offset_seconds, settings.environment)
    app = create_stream_app(
        Group(settings.kafka_bootstrap, settings.consumer_slot, settings.data_dir)
    )
    process = partial(
        handlers.process_chunk,
        contract=wire.ProtobufContract(),
        permissions=ReadThrough(view, IdentitySnapshots(_identity(settings, clock))),
        catalogue=catalogue,
    )
    worker = Worker(
        process=process,
        send_all=producer.send_all,
        dead_letters=dead_letters,
        clock=clock,
        finish=lambda chunk: consumer_of(app).finish(chunk),
        leave=_leave,
    )
    return Stream(app, worker, ends=ends, probe=probe, clock=clock, leave=_leave)


def _probe(settings: NudgesSettings) -> Probe:
    probe = Probe(settings.host, settings.probe_port, ("partitions", "permissions"))
    try:
        probe.start()
    except OSError:
        raise CannotStart(f"port {settings.probe_port} is taken by another process") from None
    return probe


def _catalogue(settings: NudgesSettings) -> CatalogueFiles:
    try:
        return CatalogueFiles(settings.catalogue_dir)
    except CatalogueInvalid as invalid:
        raise CannotStart(f"the catalogue is not valid\n{invalid}") from None


def _identity(settings: NudgesSettings, clock: Clock) -> grpc.aio.Channel:
    if settings.service_key_file is None:
        raise CannotStart("NUDGES_SERVICE_KEY_FILE is not set: set it to this service's key")
    signer = TokenSigner("nudges", settings.service_key_file)
    return connect(
        settings.identity_target,
        token=lambda: signer.token("identity", clock.now()),
        default_deadline_seconds=DEADLINE_SECONDS,
    )


async def _log_ready(settings: NudgesSettings, producer: ChunkProducer, ends: KafkaLogEnds) -> str:
    """Connect, and wait until every topic is there; the name of the dead-letter topic.

    Faust loops for ever on a topic that is missing.
    """
    topics = load_topics(settings.protos_dir / "topics")
    dead_letters = dead_letter_topic(topics[wire.LIFE_EVENTS])
    needed = (wire.LIFE_EVENTS, wire.PERMISSIONS, wire.DECISIONS, dead_letters)
    missing: set[str] = set()
    try:
        await producer.start()
        async with asyncio.timeout(settings.topics_wait_seconds):
            for delay in back_off(last=1.0):
                missing = await ends.missing(needed)
                if not missing:
                    break
                await asyncio.sleep(delay)
    except TimeoutError:
        names = ", ".join(sorted(missing))
        raise CannotStart(f"the broker has no topic {names}: make topics first") from None
    except (LogUnavailable, KafkaError):
        raise CannotStart("no broker answers at NUDGES_KAFKA_BOOTSTRAP") from None
    return dead_letters


def _ended(stop: asyncio.Event, task: asyncio.Task[None]) -> None:
    """What runs beside the stream ends only with it."""
    if not stop.is_set():
        error = None if task.cancelled() else task.exception()
        log(__name__).error("task ended", extra={"code": type(error).__name__})
        _leave("task_ended")


def _leave(reason: str) -> None:
    leave_process(reason, os._exit)
