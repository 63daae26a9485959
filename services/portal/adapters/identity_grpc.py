"""Asking identity who somebody is and what they permit."""

from datetime import datetime
from functools import partial
from typing import Final

import grpc

from joinedup.identity.v1 import permissions_pb2, sign_in_pb2
from joinedup.identity.v1.permissions_pb2_grpc import PermissionsStub
from joinedup.identity.v1.sign_in_pb2_grpc import SignInStub
from services.portal import wire
from services.portal.adapters.grpc_errors import Table, asking, bearing
from services.portal.domain.choices import Choices, Offer
from services.portal.domain.errors import ChoiceRefused, PersonUnknown, SignInRefused
from services.portal.domain.sign_in import PersonToken

PART: Final = "identity"
# A no waits up to two seconds at each place that could still show something.
REFUSAL_SECONDS: Final = 8.0

_EXCHANGE: Final[Table] = {
    grpc.StatusCode.UNAUTHENTICATED: partial(SignInRefused, "login_token"),
    grpc.StatusCode.INVALID_ARGUMENT: partial(SignInRefused, "login_token"),
    grpc.StatusCode.NOT_FOUND: PersonUnknown,
}
_CHOICE: Final[Table] = {
    grpc.StatusCode.ABORTED: partial(ChoiceRefused, "stale"),
    grpc.StatusCode.FAILED_PRECONDITION: partial(ChoiceRefused, "stale"),
    grpc.StatusCode.INVALID_ARGUMENT: partial(ChoiceRefused, "unknown"),
    grpc.StatusCode.NOT_FOUND: partial(ChoiceRefused, "unknown"),
}


class IdentityPeople:
    """Implements `People`."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._sign_in = SignInStub(channel)
        self._permissions = PermissionsStub(channel)

    async def exchange(self, id_token: str, nonce: str) -> PersonToken:
        """The person's token."""
        request = sign_in_pb2.ExchangeRequest(id_token=id_token, nonce=nonce)
        with asking(PART, _EXCHANGE):
            return wire.person_token(await self._sign_in.Exchange(request))

    async def choices(self, token: str, language: str) -> Choices:
        """What the person said, and may say."""
        request = permissions_pb2.ListRequest(language=language)
        with asking(PART):
            return wire.choices(await self._permissions.List(request, metadata=bearing(token)))

    async def give(self, token: str, offer: Offer, serial: int) -> None:
        """Permit."""
        request = permissions_pb2.GiveRequest(
            purpose=offer.purpose,
            controller=offer.controller,
            agreement_hash=offer.agreement_hash,
            if_serial=serial,
        )
        with asking(PART, _CHOICE):
            await self._permissions.Give(request, metadata=bearing(token))

    async def withdraw(self, token: str, purpose: str, controller: str) -> datetime | None:
        """Take back; without a serial, because a no holds whatever else changed."""
        request = permissions_pb2.WithdrawRequest(purpose=purpose, controller=controller)
        with asking(PART, _CHOICE):
            answer = await self._permissions.Withdraw(
                request, metadata=bearing(token), timeout=REFUSAL_SECONDS
            )
        return wire.took_effect_at(answer)

    async def object_to(self, token: str, purpose: str, controller: str) -> datetime | None:
        """Object; without a serial, for the same reason."""
        request = permissions_pb2.ObjectRequest(purpose=purpose, controller=controller)
        with asking(PART, _CHOICE):
            answer = await self._permissions.Object(
                request, metadata=bearing(token), timeout=REFUSAL_SECONDS
            )
        return wire.took_effect_at(answer)
