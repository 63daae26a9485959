"""Identity, asked who people are and told of refused attempts."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import grpc
from google.protobuf.message import Message

from joinedup.identity.v1 import (
    access_log_pb2,
    access_log_pb2_grpc,
    subjects_pb2,
    subjects_pb2_grpc,
)
from services.events import wire
from services.events.domain.attempt import Attempt
from services.events.domain.errors import (
    EventsError,
    FenceOutstanding,
    IdentityUnavailable,
    Mistaken,
)
from services.events.domain.life_event import LifeEvent, Resolution
from services.kit.rpc import reason_of
from services.kit.telemetry import log, within

M = TypeVar("M", bound=Message)

# A fence waits up to two seconds for what is being written at that moment.
DEADLINE_SECONDS: Final = 4.0
# Identity takes 256 KiB in a message; each question needs a few bytes besides.
MOST_BYTES: Final = 192 * 1024

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
        """The handles of the persons each event concerns, in as few calls as they fit into."""
        asked = [
            wire.resolve_request(event, traceparent)
            for event, traceparent in zip(events, traceparents, strict=True)
        ]
        found: list[Resolution | EventsError] = []
        # One after the other, so that what comes later in a batch is asked later.
        for together in _fitting(asked):
            found += await self._ask(together)
        return found

    async def _ask(
        self, asked: Sequence[subjects_pb2.ResolveRequest]
    ) -> list[Resolution | EventsError]:
        try:
            if len(asked) > 1:
                return await self._many(asked)
            with within(asked[0].traceparent):
                answer = await self._stub.Resolve(asked[0], timeout=DEADLINE_SECONDS)
            return [wire.resolution(answer)]
        except grpc.aio.AioRpcError as error:
            reason = reason_of(error) or error.code().name.lower()
            may_try_again = error.code() not in _OUR_MISTAKE or reason == _NOT_LOADED_YET
            return [_refusal(reason, may_try_again=may_try_again)] * len(asked)

    async def _many(
        self, asked: Sequence[subjects_pb2.ResolveRequest]
    ) -> list[Resolution | EventsError]:
        request = subjects_pb2.ResolveBatchRequest(events=asked)
        response = await self._stub.ResolveBatch(request, timeout=DEADLINE_SECONDS)
        return [_resolved(each) for each in response.results]


class IdentityAccessLog:
    """The port AccessLog over gRPC."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = access_log_pb2_grpc.AccessLogStub(channel)

    async def write_down(self, attempts: Sequence[Attempt]) -> None:
        """In as few calls as they fit into; a fault of ours keeps the door shut as well."""
        try:
            for together in _fitting([wire.refused_attempt(each) for each in attempts]):
                request = access_log_pb2.AccessLogRefuseRequest(attempts=together)
                await self._stub.Refuse(request, timeout=DEADLINE_SECONDS)
        except grpc.aio.AioRpcError as error:
            reason = reason_of(error) or error.code().name.lower()
            log(__name__).warning("attempt not written down", extra={"code": reason})
            raise IdentityUnavailable from None


def _fitting(asked: Sequence[M]) -> Iterator[list[M]]:
    """The questions in their order, as many together as a message carries."""
    together: list[M] = []
    size = 0
    for each in asked:
        size += each.ByteSize()
        if together and size > MOST_BYTES:
            yield together
            together, size = [], each.ByteSize()
        together.append(each)
    yield together


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
