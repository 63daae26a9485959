"""A person's choices: what they permit to whom, changed and read on their own behalf."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc

from joinedup.client.channel import CALL_SECONDS, metadata
from joinedup.client.errors import Refused, from_rpc
from joinedup.client.session import PersonSession
from joinedup.identity.v1 import permissions_pb2 as pb
from joinedup.identity.v1 import permissions_pb2_grpc

T = TypeVar("T")


class Choices:
    """Calls of `joinedup.identity.v1.Permissions` for one person. Raises Refused or Unavailable."""

    def __init__(self, session: PersonSession) -> None:
        self._session = session
        self._stub = permissions_pb2_grpc.PermissionsStub(session.channel)

    async def listed(self, language: str = "en") -> pb.ListResponse:
        """What the person has chosen (a row that is missing means no), and what one may choose."""
        return await self._call(
            lambda carried: self._stub.List(
                pb.ListRequest(language=language), timeout=CALL_SECONDS, metadata=carried
            )
        )

    async def give(self, purpose: str, controller: str) -> pb.GiveResponse:
        """Permit one purpose of one department, on the agreement as it stands now."""
        for offer in (await self.listed()).offers:
            if (offer.purpose, offer.controller) == (purpose, controller):
                return await self.accept(offer)
        raise Refused("offer_unknown", "no agreement offers that purpose of that department")

    async def accept(self, offer: pb.Offer) -> pb.GiveResponse:
        """Permit what an offer describes."""
        request = pb.GiveRequest(
            purpose=offer.purpose,
            controller=offer.controller,
            agreement_hash=offer.agreement_hash,
        )
        return await self._call(
            lambda carried: self._stub.Give(request, timeout=CALL_SECONDS, metadata=carried)
        )

    async def withdraw(self, purpose: str, controller: str) -> pb.WithdrawResponse:
        """Take a permission back; the answer says since when that holds everywhere."""
        request = pb.WithdrawRequest(purpose=purpose, controller=controller)
        return await self._call(
            lambda carried: self._stub.Withdraw(request, timeout=CALL_SECONDS, metadata=carried)
        )

    async def object_to(self, purpose: str, controller: str) -> pb.ObjectResponse:
        """Object, whether or not it was permitted; the answer says since when that holds."""
        request = pb.ObjectRequest(purpose=purpose, controller=controller)
        return await self._call(
            lambda carried: self._stub.Object(request, timeout=CALL_SECONDS, metadata=carried)
        )

    async def history(self) -> tuple[pb.PermissionChange, ...]:
        """Every change, oldest first."""
        answer = await self._call(
            lambda carried: self._stub.History(
                pb.HistoryRequest(), timeout=CALL_SECONDS, metadata=carried
            )
        )
        return tuple(answer.changes)

    async def _call(self, call: Callable[[tuple[tuple[str, str], ...]], Awaitable[T]]) -> T:
        try:
            return await call(metadata((await self._session.signed_in()).token))
        except grpc.aio.AioRpcError as failed:
            raise from_rpc(failed) from failed
