"""The operator's own calls: registering people, and asking why without seeing about whom."""

from __future__ import annotations

from typing import Final, Self

import grpc

from joinedup.cli.home import Home
from joinedup.client.errors import from_rpc
from joinedup.identity.v1 import subjects_pb2, subjects_pb2_grpc
from joinedup.notifications.v1 import decisions_pb2, decisions_pb2_grpc
from services.kit.clock import SystemClock
from services.kit.rpc import connect
from services.kit.service_tokens import TokenSigner

NAME: Final = "operator"
_CALL_SECONDS: Final = 20.0


class Operator:
    """Connections that carry the operator's token. Raises Refused or Unavailable."""

    def __init__(self, home: Home) -> None:
        endpoints = home.endpoints()
        self._signer = TokenSigner(NAME, home.operator_key())
        self._clock = SystemClock()
        self._identity = self._connect("identity", endpoints["identity_grpc"])
        self._notifications = self._connect("notifications", endpoints["notifications_grpc"])
        self._subjects = subjects_pb2_grpc.SubjectsStub(self._identity)
        self._decisions = decisions_pb2_grpc.DecisionsStub(self._notifications)

    async def register(self, person: subjects_pb2.RegisterRequest) -> bool:
        """Register a person; True when they were known already."""
        try:
            answer = await self._subjects.Register(person, timeout=_CALL_SECONDS)
        except grpc.aio.AioRpcError as failed:
            raise from_rpc(failed) from failed
        return answer.existing

    async def explain(self, id_: str) -> decisions_pb2.ExplainResponse:
        """What became of an event or a prompt, by its id."""
        request = decisions_pb2.ExplainRequest(id=id_)
        try:
            return await self._decisions.Explain(request, timeout=_CALL_SECONDS)
        except grpc.aio.AioRpcError as failed:
            raise from_rpc(failed) from failed

    async def close(self) -> None:
        """Close the connections."""
        await self._identity.close()
        await self._notifications.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _connect(self, service: str, target: str) -> grpc.aio.Channel:
        return connect(target, token=lambda: self._signer.token(service, self._clock.now()))
