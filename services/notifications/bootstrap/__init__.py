"""Notifications put together: the only place where settings become parts."""

import asyncio
from typing import Final

import grpc

from services.kit import rpc, telemetry
from services.kit.access import AccessTable, RpcsMissingFromTable
from services.kit.clock import make_clock
from services.kit.probe import Probe
from services.kit.run import CannotStart
from services.kit.service_tokens import TokenVerifier
from services.kit.tasks import end_tasks
from services.notifications import metrics
from services.notifications.bootstrap.outside import NAME, connected
from services.notifications.bootstrap.service import Service
from services.notifications.domain.errors import Closing
from services.notifications.settings import NotificationsSettings

__all__ = ["serve"]

CONDITIONS: Final = ("postgres", "decisions", "permissions", "lease", "grpc")


async def serve(settings: NotificationsSettings, stop: asyncio.Event) -> None:
    """Serve until stopped; raises CannotStart."""
    clock = make_clock(settings.clock_offset_seconds, settings.environment)
    running = telemetry.start(
        NAME,
        otlp_endpoint=settings.otlp_endpoint,
        sample_ratio=settings.trace_sample_ratio,
        instance=str(settings.grpc_port),
        environment=settings.environment,
        log_level=settings.log_level,
    )
    probe = Probe(settings.host, settings.probe_port, conditions=CONDITIONS)
    try:
        probe.start()
    except OSError:
        raise CannotStart(f"port {settings.probe_port} is taken by another process") from None
    try:
        async with connected(settings, clock) as outside:
            probe.ready("postgres")
            await _run(Service(settings, outside, clock, probe), stop)
    finally:
        probe.stop()
        running.shutdown()


async def _run(service: Service, stop: asyncio.Event) -> None:
    settings = service.settings
    await service.keep_nudges()
    metrics.observe_streams(lambda: len(service.streams))
    metrics.observe_ledger(lambda: service.sweeper.counts)
    server = _server(service)
    address = settings.advertised_target or f"{settings.host}:{rpc.port_of(server)}"

    def serving() -> None:
        service.probe.ready("grpc")

    # One that fails ends the others, and the process with them: a supervisor starts it anew.
    async with asyncio.TaskGroup() as together:
        for work in (
            *service.consumers(stop),
            service.dispatcher.run(stop),
            service.wake_ups.run(stop),
            service.watch_catalogue(stop),
        ):
            together.create_task(work)
        endless = [
            together.create_task(work)
            for work in (
                service.lease_keeper(address).run(),
                service.sweeper.run(),
                service.outcomes.run(),
                service.access_lines.run(),
            )
        ]
        together.create_task(_say_goodbye(service, stop))
        await rpc.serve(server, stop, ready=serving)
        await end_tasks(endless)


async def _say_goodbye(service: Service, stop: asyncio.Event) -> None:
    """End the streams at once when told to stop, so that devices resume elsewhere."""
    await stop.wait()
    service.streams.close_all(Closing.STOPPING)


def _server(service: Service) -> grpc.aio.Server:
    settings = service.settings
    if settings.service_keys_dir is None:
        raise CannotStart("NOTIFICATIONS_SERVICE_KEYS_DIR is not set: set it")
    try:
        return rpc.create_server(
            f"{settings.host}:{settings.grpc_port}",
            add_services=service.rpc_services(),
            access=AccessTable.load(settings.protos_dir / "rpc-access.yaml"),
            verifier=TokenVerifier(
                NAME,
                settings.service_keys_dir,
                settings.person_token_public_key_file,
                clock=service.clock,
            ),
            describes_itself=settings.environment != "production",
        )
    except RpcsMissingFromTable as missing:
        raise CannotStart(str(missing)) from None
