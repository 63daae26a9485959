"""Who read a person's data, as the person themselves may see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import grpc

from joinedup.client.channel import CALL_SECONDS, metadata
from joinedup.client.errors import from_rpc
from joinedup.client.session import PersonSession
from joinedup.identity.v1 import access_log_pb2 as pb
from joinedup.identity.v1 import access_log_pb2_grpc

PAGE_MOST: Final = 100


class AccessLog:
    """Calls of `joinedup.identity.v1.AccessLog` for one person. Raises Refused or Unavailable.

    `incomplete` is whether a page so far was: a service that may hold lines of its own was away.
    """

    def __init__(self, session: PersonSession) -> None:
        self.incomplete = False
        self._session = session
        self._stub = access_log_pb2_grpc.AccessLogStub(session.channel)

    async def page(
        self,
        page_token: str = "",
        *,
        page_size: int = 0,
        others_only: bool = False,
        language: str = "",
    ) -> pb.AccessLogListResponse:
        """A page of lines, newest first; `others_only` leaves out the person's own looks.

        Sentences are in the language the person reads, or in another one asked for (en or cy).
        """
        request = pb.AccessLogListRequest(
            page_size=page_size,
            page_token=page_token,
            others_only=others_only,
            language=language,
        )
        try:
            carried = metadata((await self._session.signed_in()).token)
            page = await self._stub.List(request, timeout=CALL_SECONDS, metadata=carried)
        except grpc.aio.AioRpcError as failed:
            raise from_rpc(failed) from failed
        self.incomplete = self.incomplete or page.incomplete
        return page

    async def newest(
        self, most: int, *, others_only: bool = False, language: str = ""
    ) -> AsyncIterator[pb.AccessEntry]:
        """The newest lines, so many at most, page after page."""
        token = ""
        while most > 0:
            page = await self.page(
                token,
                page_size=min(most, PAGE_MOST),
                others_only=others_only,
                language=language,
            )
            for entry in page.entries:
                yield entry
            most -= len(page.entries)
            token = page.next_page_token
            if not token:
                return
