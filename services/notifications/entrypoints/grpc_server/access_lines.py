"""joinedup.notifications.v1.AccessLines: what waits in the outbox of access logs; for identity."""

from typing import Any, Final

from joinedup.notifications.v1 import access_lines_pb2, access_lines_pb2_grpc
from services.kit.ids import is_id
from services.notifications.domain.errors import DecisionInvalid
from services.notifications.entrypoints.grpc_server.refusals import invalid, refusals
from services.notifications.ports import AccessOutbox
from services.notifications.wire.access_lines import line_messages
from services.notifications.wire.times import moment

LIMIT_MOST: Final = 200


class AccessLinesServicer(access_lines_pb2_grpc.AccessLinesServicer):
    """Lines that identity does not have yet."""

    def __init__(self, outbox: AccessOutbox) -> None:
        self._outbox = outbox

    async def Pending(  # noqa: N802  # the contract's name
        self, request: access_lines_pb2.PendingRequest, _context: Any
    ) -> access_lines_pb2.PendingResponse:
        """A person's, newest first."""
        if not is_id(request.subject):
            raise invalid("subject", "id_malformed")
        if not 1 <= request.limit <= LIMIT_MOST:
            raise invalid("limit", "page_size_range")
        after = None
        if request.HasField("before_at"):
            try:
                after = moment(request.before_at), request.before_id
            except DecisionInvalid:
                raise invalid("before_at", "time_invalid") from None
        with refusals():
            lines = await self._outbox.waiting(
                request.subject, after, request.limit, others_only=request.others_only
            )
        return access_lines_pb2.PendingResponse(lines=line_messages(lines))
