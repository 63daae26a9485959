"""A person's session with the platform: signed in once, renewed without being asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

import grpc
import httpx

from joinedup.client.channel import CALL_SECONDS, connect, metadata
from joinedup.client.errors import Refused, from_rpc
from joinedup.client.https import trust
from joinedup.client.sign_in import DEFAULT_CLIENT_ID, IdToken, sign_in
from joinedup.identity.v1 import sign_in_pb2, sign_in_pb2_grpc

_RENEW_BEFORE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class SignedInAs:
    """A person token and what came with it."""

    token: str
    expires_at: float
    """POSIX seconds."""
    language: str
    """The person's language: en or cy."""


class PersonSession:
    """Signs a person in at the provider, and exchanges that for the platform's own token.

    `sign_in_url` is the provider's address, `identity` is `host:port`. A token is renewed a
    minute before it ends, by exchanging again; when the provider's word has ended too, by
    signing in again.
    """

    def __init__(
        self,
        sub: str,
        *,
        sign_in_url: str,
        identity: str,
        client_id: str = DEFAULT_CLIENT_ID,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.sub = sub
        self._provider = sign_in_url
        self._client_id = client_id
        self._now = now
        self._http = httpx.AsyncClient(timeout=CALL_SECONDS, trust_env=False, verify=trust())
        self.channel = connect(identity)
        """The connection to identity, for other calls on the person's behalf."""
        self._id_token: IdToken | None = None
        self._signed_in: SignedInAs | None = None
        self._turn = asyncio.Lock()

    async def signed_in(self) -> SignedInAs:
        """A token good for a minute at least; raises Refused or Unavailable."""
        async with self._turn:
            current = self._signed_in
            if current is None or self._now() > current.expires_at - _RENEW_BEFORE_SECONDS:
                current = self._signed_in = await self._renew()
            return current

    def forget(self) -> None:
        """The platform refused the token: get another one at the next call."""
        self._signed_in = None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
        await self.channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _renew(self) -> SignedInAs:
        if self._id_token is not None:
            try:
                return await self._exchange(self._id_token)
            except Refused:
                self._id_token = None
        self._id_token = await sign_in(
            self._http, issuer=self._provider, sub=self.sub, client_id=self._client_id
        )
        return await self._exchange(self._id_token)

    async def _exchange(self, id_token: IdToken) -> SignedInAs:
        stub = sign_in_pb2_grpc.SignInStub(self.channel)
        request = sign_in_pb2.ExchangeRequest(id_token=id_token.text, nonce=id_token.nonce)
        try:
            answer = await stub.Exchange(request, timeout=CALL_SECONDS, metadata=metadata(""))
        except grpc.aio.AioRpcError as failed:
            raise from_rpc(failed) from failed
        return SignedInAs(answer.person_token, answer.expires_at.ToSeconds(), answer.language)
