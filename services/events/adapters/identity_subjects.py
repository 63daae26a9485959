"""Identity's `Subjects/Resolve` as the port that knows people."""

from typing import Final

import grpc

from joinedup.identity.v1 import subjects_pb2_grpc
from services.events import wire
from services.events.domain.errors import FenceOutstanding, IdentityUnavailable
from services.events.domain.life_event import LifeEvent, Resolution
from services.kit.rpc import reason_of
from services.kit.telemetry import log

# A fence waits up to two seconds for what is being written at that moment.
DEADLINE_SECONDS: Final = 4.0

# The question itself was refused: asking again would not help.
_OUR_MISTAKE: Final = frozenset(
    {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION}
)


# A new type reaches every service's catalogue within moments, not at the same one.
_NOT_LOADED_YET: Final = "event_type_unknown"


class ResolveRefused(Exception):
    """Identity does not accept an event that was accepted here: a fault of ours."""


class IdentitySubjects:
    """Asks identity over gRPC."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = subjects_pb2_grpc.SubjectsStub(channel)

    async def resolve(self, event: LifeEvent) -> Resolution:
        """The handles of the persons an event concerns; raises the port's errors."""
        request = wire.resolve_request(event)
        try:
            response = await self._stub.Resolve(request, timeout=DEADLINE_SECONDS)
        except grpc.aio.AioRpcError as error:
            reason = reason_of(error) or error.code().name.lower()
            log(__name__).warning("resolve failed", extra={"code": reason})
            if reason == FenceOutstanding.code:
                raise FenceOutstanding from None
            if error.code() in _OUR_MISTAKE and reason != _NOT_LOADED_YET:
                raise ResolveRefused(reason) from None
            raise IdentityUnavailable from None
        return wire.resolution(response)
