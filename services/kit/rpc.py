"""gRPC as this platform speaks it: servers with one door, channels with a deadline."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

from services.kit.access import AccessTable
from services.kit.rpc_client import connect
from services.kit.rpc_server import Door, authorization_of, caller_of
from services.kit.rpc_status import RpcRefused, fields_of, map_errors, reason_of
from services.kit.run import CannotStart
from services.kit.service_tokens import TokenVerifier

__all__ = [
    "RpcRefused",
    "authorization_of",
    "caller_of",
    "connect",
    "create_server",
    "fields_of",
    "map_errors",
    "port_of",
    "reason_of",
    "serve",
]

MAX_MESSAGE_BYTES: Final = 256 * 1024
MAX_METADATA_BYTES: Final = 8 * 1024
MINUTE_MS: Final = 60_000

OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_metadata_size", MAX_METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
    ("grpc.max_concurrent_streams", 100),
    ("grpc.keepalive_time_ms", MINUTE_MS),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 2),
    ("grpc.max_connection_age_ms", 30 * MINUTE_MS),
    ("grpc.max_connection_age_grace_ms", MINUTE_MS),
    # A second process on the same port is refused, not given half of the calls.
    ("grpc.so_reuseport", 0),
)

AddService = tuple[Callable[[Any, Any], None], Any, str]

_ports: WeakKeyDictionary[grpc.aio.Server, int] = WeakKeyDictionary()
_healths: WeakKeyDictionary[grpc.aio.Server, Any] = WeakKeyDictionary()


def create_server(
    address: str,
    *,
    add_services: Sequence[AddService],
    access: AccessTable,
    verifier: TokenVerifier | None = None,
    health: bool = True,
    describes_itself: bool = True,
) -> grpc.aio.Server:
    """A server, not yet started, with health and, where it describes itself, reflection.

    Each of `add_services` is (generated add function, servicer, full service name). Raises
    RpcsMissingFromTable when a method has no row in the table, CannotStart when the port is taken.
    """
    access.check_complete(_methods(add_services))
    server = grpc.aio.server(interceptors=[Door(access, verifier)], options=OPTIONS)
    for add, servicer, _name in add_services:
        add(servicer, server)
    names = [name for _add, _servicer, name in add_services]
    if health:
        answers = health_aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(answers, server)
        _healths[server] = (answers, ["", *names])
        names = [*names, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name]
    if describes_itself:
        reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], server)
    try:
        _ports[server] = server.add_insecure_port(address)
    except RuntimeError:
        raise CannotStart(f"{address} is taken by another process") from None
    return server


def port_of(server: grpc.aio.Server) -> int:
    """The port a server of `create_server` listens on, also when its address asked for any (0)."""
    return _ports[server]


async def serve(
    server: grpc.aio.Server,
    stop: asyncio.Event,
    *,
    ready: Callable[[], None] = lambda: None,
    grace_seconds: float = 5.0,
) -> None:
    """Serve until stopped; calls in progress get the grace, new ones are refused."""
    await server.start()
    answers, names = _healths.get(server, (None, []))
    for name in names:
        await answers.set(name, health_pb2.HealthCheckResponse.SERVING)
    ready()
    await stop.wait()
    if answers is not None:
        await answers.enter_graceful_shutdown()
    await server.stop(grace_seconds)


class _Recorder:
    """Stands in for a server, to learn which methods an add function registers."""

    def __init__(self) -> None:
        self.methods: set[str] = set()

    def add_generic_rpc_handlers(self, _handlers: Any) -> None:
        """Also told as registered methods."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        self.methods.update(f"{service}/{name}" for name in handlers)


def _methods(add_services: Sequence[AddService]) -> set[str]:
    recorder = _Recorder()
    for add, servicer, _name in add_services:
        add(servicer, recorder)
    return recorder.methods
