"""The calls about who read what of a person."""

from typing import Any, Final

from joinedup.identity.v1 import access_log_pb2, access_log_pb2_grpc
from services.identity import metrics
from services.identity.domain.access_sentence import worded
from services.identity.domain.errors import FieldInvalid
from services.identity.entrypoints.grpc_errors import refusals
from services.identity.entrypoints.surroundings import Servicer, subject_of
from services.identity.handlers.access import (
    append_lines,
    names_of,
    read_access_log,
    refuse_attempts,
)
from services.identity.wire import access, values
from services.kit.rpc import caller_of

PAGE_MOST: Final = 100


class AccessLog(Servicer, access_log_pb2_grpc.AccessLogServicer):
    """A person's own log; and what other services add to it."""

    async def List(  # noqa: N802  # the contract's name
        self, request: access_log_pb2.AccessLogListRequest, _context: Any
    ) -> access_log_pb2.AccessLogListResponse:
        """The caller's lines, newest first."""
        around = self._around
        with refusals():
            language = values.language_of(request.language or caller_of().language)
            if not 0 <= request.page_size <= PAGE_MOST:
                raise FieldInvalid("page_size", "page_size_range")
            listed = await read_access_log(
                subject_of(),
                page_size=request.page_size,
                page_token=request.page_token,
                others_only=request.others_only,
                access_log=around.access_log,
                waiting=around.waiting_lines,
                tokens=around.page_tokens,
            )
        names = names_of(
            around.event_types.current, around.agreements.current, around.publishers.current
        )
        return access_log_pb2.AccessLogListResponse(
            entries=[
                access.entry_message(line, worded(line, names, language)) for line in listed.lines
            ],
            next_page_token=listed.next_page,
            incomplete=listed.incomplete,
        )

    async def Append(  # noqa: N802  # the contract's name
        self, request: access_log_pb2.AccessLogAppendRequest, _context: Any
    ) -> access_log_pb2.AccessLogAppendResponse:
        """Lines of another service's outbox."""
        with refusals():
            await append_lines(access.lines_of(request.lines), self._around.store)
        metrics.access_lines("appended", len(request.lines))
        return access_log_pb2.AccessLogAppendResponse()

    async def Refuse(  # noqa: N802  # the contract's name
        self, request: access_log_pb2.AccessLogRefuseRequest, _context: Any
    ) -> access_log_pb2.AccessLogRefuseResponse:
        """Attempts that the door refused."""
        around = self._around
        with refusals():
            attempts = access.attempts_of(request.attempts)
            await refuse_attempts(
                attempts,
                store=around.store,
                fingerprints=around.fingerprints,
                new_id=around.new_id,
                now=around.clock.now(),
            )
        metrics.access_lines("refused", sum(len(each.persons) for each in attempts))
        return access_log_pb2.AccessLogRefuseResponse()
