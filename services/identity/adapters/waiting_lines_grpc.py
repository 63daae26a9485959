"""Lines of access logs that notifications has not handed over yet, asked for over gRPC."""

from typing import Final

import grpc

from joinedup.notifications.v1 import access_lines_pb2, access_lines_pb2_grpc
from services.identity.adapters.kept_channels import KeptChannels
from services.identity.domain.access_line import AccessLine
from services.identity.domain.errors import FieldInvalid
from services.identity.ports import FenceBook
from services.identity.ports.access import Page
from services.identity.wire.access import lines_of
from services.kit.telemetry import log

# A person waits for their page meanwhile; what is missing is told them.
ASK_SECONDS: Final = 0.5
ASKED_AT_MOST: Final = 2


class GrpcWaitingLines:
    """The port WaitingLines: every enforcement point reads the one outbox of its service."""

    def __init__(self, book: FenceBook, channels: KeptChannels) -> None:
        self._book = book
        self._channels = channels

    async def lines(self, page: Page) -> list[AccessLine] | None:
        """Those of the first process that answers; None where none does."""
        request = _request(page)
        points = await self._book.live_points()
        for point in points[:ASKED_AT_MOST]:
            stub = access_lines_pb2_grpc.AccessLinesStub(await self._channels.to(point.address))
            try:
                answer = await stub.Pending(request, timeout=ASK_SECONDS)
                return lines_of(answer.lines)
            except grpc.aio.AioRpcError as error:
                code = error.code().name.lower()
            except FieldInvalid as invalid:
                code = invalid.code
            log(__name__).warning("waiting lines unknown", extra={"code": code})
        return None


def _request(page: Page) -> access_lines_pb2.PendingRequest:
    request = access_lines_pb2.PendingRequest(
        subject=page.subject, limit=page.limit, others_only=page.others_only
    )
    if page.after is not None:
        at, line_id = page.after
        request.before_at.FromDatetime(at)
        request.before_id = line_id
    return request
