"""joinedup.notifications.v1.Fences: this side of a withdrawal; for identity."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joinedup.notifications.v1 import fences_pb2, fences_pb2_grpc
from services.kit.ids import is_id
from services.kit.telemetry import log
from services.notifications import metrics
from services.notifications.domain.errors import DecisionInvalid
from services.notifications.domain.permission import PermissionSet
from services.notifications.entrypoints.grpc_server.refusals import invalid, refusals
from services.notifications.handlers.fence_subject import Fenced, fence_subject
from services.notifications.ports import Gate, Streams
from services.notifications.wire.permissions import permission_set_of


@dataclass(frozen=True, slots=True)
class FencesOn:
    """What fences stand on; the wait for writes in progress is in seconds.

    `wake` is told whose prompts have ended, so that their devices are told.
    """

    gate: Gate
    streams: Streams
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    settle_seconds: float
    wake: Callable[[Iterable[str]], None]


class FencesServicer(fences_pb2_grpc.FencesServicer):
    """Takes a person's new set, and answers when nothing here can act on an older one."""

    def __init__(self, on: FencesOn) -> None:
        self._on = on

    async def Fence(  # noqa: N802  # the contract's name
        self, request: fences_pb2.FenceRequest, _context: Any
    ) -> fences_pb2.FenceResponse:
        """Take the set. It holds when this answers."""
        try:
            new = permission_set_of(request.permissions)
        except DecisionInvalid:
            raise invalid("permissions", "set_invalid") from None
        fenced = await self._fence(new)
        return fences_pb2.FenceResponse(serial=fenced.serial, purged=fenced.purged)

    async def _fence(self, new: PermissionSet) -> Fenced:
        on, outcome = self._on, "failed"
        began = on.monotonic()
        try:
            with refusals():
                fenced = await fence_subject(
                    new, on.gate, on.streams, now=on.now(), settle_seconds=on.settle_seconds
                )
            outcome = "held"
        finally:
            seconds = on.monotonic() - began
            metrics.FENCES.add(1, {"joinedup.outcome": outcome})
            metrics.FENCE_SECONDS.record(seconds)
            log(__name__).info("fence", extra={"outcome": outcome, "seconds": round(seconds, 4)})
        metrics.STOPPED.add(fenced.ended, {"joinedup.reason": "permission_ended"})
        if fenced.ended:
            on.wake([new.subject])
        return fenced

    async def Status(  # noqa: N802  # the contract's name
        self, request: fences_pb2.StatusRequest, _context: Any
    ) -> fences_pb2.StatusResponse:
        """The serial in force here."""
        if not is_id(request.subject):
            raise invalid("subject", "id_malformed")
        with refusals():
            return fences_pb2.StatusResponse(serial=await self._on.gate.serial(request.subject))
