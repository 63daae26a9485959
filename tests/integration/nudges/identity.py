"""identity as far as the nudges service knows it: Snapshot, behind the kit's real door."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

from joinedup.identity.v1 import permission_set_pb2, permissions_pb2, permissions_pb2_grpc
from services.kit import rpc
from services.kit.access import AccessTable
from services.kit.clock import SystemClock
from services.kit.service_tokens import TokenVerifier

ROOT = Path(__file__).resolve().parents[3]
SERVICE = "joinedup.identity.v1.Permissions"


class Identity(permissions_pb2_grpc.PermissionsServicer):
    """Answers with what a test put into `sets`, and counts who was asked about."""

    def __init__(self, keys: Path) -> None:
        self.sets: dict[str, permission_set_pb2.PermissionSet] = {}
        self.asked: list[str] = []
        self.target = ""
        self._keys = keys
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: Any = None

    async def Snapshot(self, request, context):  # noqa: N802 - the RPC's name
        self.asked += request.subjects
        sets = [
            self.sets.get(each, permission_set_pb2.PermissionSet(subject=each))
            for each in request.subjects
        ]
        return permissions_pb2.SnapshotResponse(sets=sets)

    def start(self) -> None:
        self._thread.start()
        self.come("127.0.0.1:0")

    def come(self, address: str = "") -> None:
        """Listen, at the address it had before when none is given."""
        listening = self._listen(address or self.target)
        asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)

    def go(self) -> None:
        """Stop listening."""
        server, self._server = self._server, None
        if server is not None:
            asyncio.run_coroutine_threadsafe(server.stop(0), self._loop).result(10)

    def stop(self) -> None:
        self.go()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self, address: str) -> None:
        self._server = rpc.create_server(
            address,
            add_services=[(permissions_pb2_grpc.add_PermissionsServicer_to_server, self, SERVICE)],
            access=AccessTable.load(ROOT / "protos" / "rpc-access.yaml"),
            verifier=TokenVerifier("identity", self._keys, clock=SystemClock()),
        )
        await self._server.start()
        self.target = f"127.0.0.1:{rpc.port_of(self._server)}"
