"""Identity's `Subjects/Resolve` as the port that knows people."""

from collections.abc import Sequence
from typing import Final

import grpc

from joinedup.identity.v1 import subjects_pb2, subjects_pb2_grpc
from services.events import wire
from services.events.domain.errors import (
    EventsError,
    FenceOutstanding,
    IdentityUnavailable,
    Mistaken,
)
from services.events.domain.life_event import LifeEvent, Resolution
from services.kit.rpc import reason_of
from services.kit.telemetry import log, within

# A fence waits up to two seconds for what is being written at that moment.
DEADLINE_SECONDS: Final = 4.0

# The question itself was refused: asking again would not help.
_OUR_MISTAKE: Final = frozenset(
    {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION}
)


# A new type reaches every service's catalogue within moments, not at the same one.
_NOT_LOADED_YET: Final = "event_type_unknown"


class IdentitySubjects:
    """Asks identity over gRPC."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = subjects_pb2_grpc.SubjectsStub(channel)

    async def resolve(
        self, events: Sequence[LifeEvent], traceparents: Sequence[str]
    ) -> list[Resolution | EventsError]:
        """The handles of the persons each event concerns, in one call for all of them."""
        try:
            if len(events) == 1:
                return [await self._one(events[0], traceparents[0])]
            return await self._many(events, traceparents)
        except grpc.aio.AioRpcError as error:
            reason = reason_of(error) or error.code().name.lower()
            may_try_again = error.code() not in _OUR_MISTAKE or reason == _NOT_LOADED_YET
            return [_refusal(reason, may_try_again=may_try_again)] * len(events)

    async def _one(self, event: LifeEvent, traceparent: str) -> Resolution:
        with within(traceparent):
            request = wire.resolve_request(event)
            return wire.resolution(await self._stub.Resolve(request, timeout=DEADLINE_SECONDS))

    async def _many(
        self, events: Sequence[LifeEvent], traceparents: Sequence[str]
    ) -> list[Resolution | EventsError]:
        request = subjects_pb2.ResolveBatchRequest(
            events=map(wire.resolve_request, events, traceparents)
        )
        response = await self._stub.ResolveBatch(request, timeout=DEADLINE_SECONDS)
        return [_resolved(each) for each in response.results]


def _resolved(result: subjects_pb2.ResolveResult) -> Resolution | EventsError:
    if result.HasField("resolved"):
        return wire.resolution(result.resolved)
    return _refusal(result.refused.code, may_try_again=result.refused.try_again)


def _refusal(reason: str, *, may_try_again: bool) -> EventsError:
    log(__name__).warning("resolve failed", extra={"code": reason})
    if reason == FenceOutstanding.code:
        return FenceOutstanding()
    # Identity does not accept an event that was accepted here: a fault of ours.
    return IdentityUnavailable() if may_try_again else Mistaken()
