"""A gRPC server that takes a publisher's streams as a test tells it to."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc

from joinedup.events.v1 import life_events_pb2 as pb
from joinedup.events.v1.life_events_pb2_grpc import (
    LifeEventsServicer,
    add_LifeEventsServicer_to_server,
)
from services.kit.rpc_status import RpcRefused, wire_status


@dataclass
class StreamStation:
    """Accepts everything, each id once, unless a test's own `serve` does otherwise."""

    serve: list[Callable[[Any, Any], Awaitable[None]]] = field(default_factory=list)
    """What the next streams are served by; the last one serves all that follow."""
    refusals: list[tuple[grpc.StatusCode, str]] = field(default_factory=list)
    """How the next streams are refused before they are opened."""
    tokens: list[str] = field(default_factory=list)
    numbers: list[list[int]] = field(default_factory=list)
    """Of each stream, the numbers that came."""
    admitted: dict[str, int] = field(default_factory=dict)
    """How often each event came."""
    address: str = ""

    async def accept_all(self, requests: Any, context: Any) -> None:
        """Answer everything at once."""
        async for request in requests:
            await context.write(self.accept(request))

    def accept(self, request: pb.PublishStreamRequest) -> pb.PublishStreamResponse:
        """The answer that takes an event."""
        id_ = json.loads(request.cloud_event_json)["id"]
        duplicate = id_ in self.admitted
        self.admitted[id_] = self.admitted.get(id_, 0) + 1
        self.numbers[-1].append(request.number)
        answer = pb.PublishStreamResponse(number=request.number, answered_through=request.number)
        answer.accepted.CopyFrom(pb.PublishResponse(event_id=id_, duplicate=duplicate))
        return answer


class _Servicer(LifeEventsServicer):
    def __init__(self, station: StreamStation) -> None:
        self.station = station

    async def PublishStream(self, requests: Any, context: Any) -> None:  # type: ignore[override]  # noqa: N802  # the contract's name
        station = self.station
        station.tokens.append(dict(context.invocation_metadata())["authorization"])
        station.numbers.append([])
        if station.refusals:
            await refuse(context, *station.refusals.pop(0))
        await context.send_initial_metadata(())
        serve = station.serve.pop(0) if len(station.serve) > 1 else station.serve[0]
        await serve(_one_by_one(requests), context)

    async def Publish(self, _request: Any, _context: Any) -> Any:  # noqa: N802  # the contract's name
        raise AssertionError("a stream is all that is asked for")

    async def Get(self, _request: Any, _context: Any) -> Any:  # noqa: N802  # the contract's name
        raise AssertionError("a stream is all that is asked for")


async def _one_by_one(requests: Any) -> AsyncIterator[pb.PublishStreamRequest]:
    """Every event as if it had come in a message of its own."""
    async for request in requests:
        for number, each in enumerate((request, *request.following), start=request.number):
            yield pb.PublishStreamRequest(number=number, cloud_event_json=each.cloud_event_json)


async def refuse(context: Any, status: grpc.StatusCode, code: str) -> None:
    """End a stream as the platform does."""
    await context.abort_with_status(wire_status(RpcRefused(status, code, "no"), ""))


@asynccontextmanager
async def streaming(port: int = 0) -> AsyncIterator[StreamStation]:
    """The station, serving."""
    station = StreamStation()
    station.serve.append(station.accept_all)
    server = grpc.aio.server()
    add_LifeEventsServicer_to_server(_Servicer(station), server)
    station.address = f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
    await server.start()
    try:
        yield station
    finally:
        await asyncio.wait_for(server.stop(0), 10)
