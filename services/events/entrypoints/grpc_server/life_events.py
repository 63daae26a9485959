"""The RPCs of `LifeEvents`."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from joinedup.events.v1 import life_events_pb2 as pb
from joinedup.events.v1 import life_events_pb2_grpc as pb_grpc
from services.events import wire_publishing
from services.events.domain.admission import Submission
from services.events.entrypoints.grpc_server.refusals import SERVICE, refusals
from services.events.entrypoints.grpc_server.stream import OpenStreams, PublisherStream
from services.events.entrypoints.publishing import Publishing
from services.events.handlers.follow_event import follow_event, use_up
from services.kit.rpc import AddService
from services.kit.telemetry import current_traceparent


class LifeEvents(pb_grpc.LifeEventsServicer):
    """Publishing and following one's own events; `stopping` ends the streams."""

    def __init__(self, around: Publishing, stopping: asyncio.Event) -> None:
        self._around = around
        self._stopping = stopping
        self._open = OpenStreams()

    async def Publish(  # noqa: N802  # the contract's name
        self, request: pb.PublishRequest, context: Any
    ) -> pb.PublishResponse:
        """Answers once every record of the event is on the log, or says why it is not."""
        with refusals("Publish") as call:
            assertion = call.believe(self._around, context)
            self._around.rates.take(assertion.publisher, 1)
            body, traceparent = wire_publishing.body_of(request), current_traceparent()
            receipt = await self._around.admit_one(
                Submission(
                    *(assertion.publisher, body, traceparent, assertion),
                    *(assertion.scope, assertion.bases),
                )
            )
        return wire_publishing.accepted(receipt)

    async def PublishStream(  # type: ignore[override]  # noqa: N802  # one that writes itself
        self, request_iterator: AsyncIterator[pb.PublishStreamRequest], context: Any
    ) -> None:
        """Answers each event by its number, as fast as they come in."""
        with refusals("PublishStream") as call:
            assertion = call.believe(self._around, context)
            await use_up(self._around.admissions, assertion)
            with self._open.one_more(assertion.publisher):
                await context.send_initial_metadata(())
                stream = PublisherStream(self._around, assertion, context.write, call.audit)
                await stream.serve(request_iterator, self._stopping)

    async def Get(  # noqa: N802  # the contract's name
        self, request: pb.GetRequest, context: Any
    ) -> pb.GetResponse:
        """Tells how far an event has come; somebody else's is as unknown as none."""
        with refusals("Get") as call:
            assertion = call.believe(self._around, context)
            reached = await follow_event(self._around.admissions, assertion, request.event_id)
        return wire_publishing.progress(reached)


def services(around: Publishing, stopping: asyncio.Event) -> list[AddService]:
    """What the server serves."""
    servicer = LifeEvents(around, stopping)
    return [(pb_grpc.add_LifeEventsServicer_to_server, servicer, SERVICE)]
