"""A gRPC server that signs people in and streams to their devices as a test tells it to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc

from joinedup.identity.v1 import sign_in_pb2
from joinedup.identity.v1.sign_in_pb2_grpc import SignInServicer, add_SignInServicer_to_server
from joinedup.notifications.v1 import prompts_pb2 as pb
from joinedup.notifications.v1.prompts_pb2_grpc import (
    PromptsServicer,
    add_PromptsServicer_to_server,
)
from services.kit import rpc
from services.kit.access import AccessTable
from services.kit.clock import SystemClock
from services.kit.ids import new_random_id
from services.kit.service_tokens import (
    PERSON_AUDIENCE,
    PERSON_TYPE,
    TokenSigner,
    TokenVerifier,
    generate_keypair,
)

ROOT = Path(__file__).resolve().parents[3]
END = "end"


@dataclass
class Station:
    """What the server does and what devices did."""

    keys: Path
    address: str = ""
    token_seconds: float = 900
    queue: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    refuse_exchange: list[str] = field(default_factory=list)
    fail_respond: int = 0
    subscribed: list[str] = field(default_factory=list)
    responded: list[str] = field(default_factory=list)
    opened: list[tuple[str, str]] = field(default_factory=list)
    traceparents: list[str] = field(default_factory=list)
    exchanged: int = 0
    seen_on_disk: list[str] = field(default_factory=list)
    memory: Path | None = None

    def say(self, prompt_id: str, cursor: str = "", traceparent: str = "") -> None:
        sealed = pb.SealedPrompt(
            prompt_id=prompt_id, line="You have a prompt", cursor=cursor, traceparent=traceparent
        )
        self.queue.put_nowait(pb.SubscribeResponse(prompt=sealed))

    def take_back(self, prompt_id: str, cursor: str = "") -> None:
        withdrawn = pb.WithdrawnPrompt(prompt_id=prompt_id, cursor=cursor)
        self.queue.put_nowait(pb.SubscribeResponse(withdrawn=withdrawn))

    def break_off(self, status: grpc.StatusCode, code: str) -> None:
        self.queue.put_nowait(rpc.RpcRefused(status, code))

    def end(self) -> None:
        self.queue.put_nowait(END)


class SignIn(SignInServicer):
    def __init__(self, station: Station) -> None:
        self.station = station

    async def Exchange(self, request: Any, _context: Any) -> Any:  # noqa: N802  # the contract's name
        if self.station.refuse_exchange:
            raise rpc.RpcRefused(grpc.StatusCode.NOT_FOUND, self.station.refuse_exchange.pop(0))
        assert request.id_token
        assert request.nonce
        self.station.exchanged += 1
        signer = TokenSigner(
            "identity", self.station.keys / "p.private.pem", PERSON_TYPE, self.station.token_seconds
        )
        now = SystemClock().now()
        claims = {"sub": "h" * 26, "jti": new_random_id()}
        answer = sign_in_pb2.ExchangeResponse(
            person_token=signer.sign(PERSON_AUDIENCE, now, claims), language="cy"
        )
        answer.expires_at.FromDatetime(now + timedelta(seconds=self.station.token_seconds))
        return answer


class Prompts(PromptsServicer):
    def __init__(self, station: Station) -> None:
        self.station = station

    async def Subscribe(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802  # the contract's name
        self.station.subscribed.append(request.cursor)
        await context.send_initial_metadata(())
        while (item := await self.station.queue.get()) != END:
            if isinstance(item, Exception):
                raise item
            yield item

    async def List(self, _request: Any, _context: Any) -> Any:  # noqa: N802  # the contract's name
        raise AssertionError("a device asks for no list")

    async def Respond(self, request: Any, _context: Any) -> Any:  # noqa: N802  # the contract's name
        assert request.channel == "stream"
        assert request.response == pb.RESPONSE_RECEIVED
        if self.station.fail_respond:
            self.station.fail_respond -= 1
            raise rpc.RpcRefused(grpc.StatusCode.UNAVAILABLE, "ledger_unavailable")
        if self.station.memory is not None:
            self.station.seen_on_disk.append(self.station.memory.read_text())
        self.station.responded.append(request.prompt_id)
        return pb.RespondResponse(state=pb.STATE_DELIVERED)

    async def Open(self, request: Any, context: Any) -> Any:  # noqa: N802  # the contract's name
        metadata = dict(context.invocation_metadata())
        self.station.traceparents.append(metadata.get("traceparent", ""))
        if request.prompt_id.startswith("withdrawn"):
            raise rpc.RpcRefused(grpc.StatusCode.FAILED_PRECONDITION, "prompt_withdrawn")
        self.station.opened.append((request.prompt_id, request.language))
        return pb.OpenResponse(prompt_id=request.prompt_id, title="A title")


@asynccontextmanager
async def on_air(keys: Path) -> AsyncIterator[Station]:
    """The station, serving."""
    generate_keypair(keys / "p.private.pem", keys / "p.public.pem")
    station = Station(keys)
    services: list[Any] = [
        (
            add_SignInServicer_to_server,
            SignIn(station),
            sign_in_pb2.DESCRIPTOR.services_by_name["SignIn"].full_name,
        ),
        (
            add_PromptsServicer_to_server,
            Prompts(station),
            pb.DESCRIPTOR.services_by_name["Prompts"].full_name,
        ),
    ]
    server = rpc.create_server(
        "127.0.0.1:0",
        add_services=services,
        access=AccessTable.load(ROOT / "protos" / "rpc-access.yaml"),
        verifier=TokenVerifier("x", keys, keys / "p.public.pem", clock=SystemClock()),
    )
    station.address = f"127.0.0.1:{rpc.port_of(server)}"
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(rpc.serve(server, stop, ready=ready.set, grace_seconds=0.0))
    await ready.wait()
    try:
        yield station
    finally:
        stop.set()
        await task
