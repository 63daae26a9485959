"""A small server with one method of each kind, for tests of what every server has."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import grpc
from google.protobuf.wrappers_pb2 import StringValue

from services.kit import rpc, telemetry
from services.kit.access import AccessTable
from services.kit.clock import ManualClock
from services.kit.service_tokens import TokenSigner, TokenVerifier

NAME = "bakery.v1.Oven"
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ROWS = {
    f"{NAME}/{method}": frozenset(callers)
    for method, callers in {
        "Bake": {"shop"},
        "Queue": {"shop"},
        "Fill": {"shop"},
        "Chat": {"shop"},
        "Push": {"shop"},
        "Taste": {"person"},
        "Smell": {"anyone"},
        "Supply": {"publisher"},
    }.items()
}


class NoFlour(Exception):
    """The domain's own refusal."""


class Oven:
    """A servicer with one method of each kind."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    @rpc.map_errors({NoFlour: (grpc.StatusCode.FAILED_PRECONDITION, "no_flour")})
    async def Bake(self, request: StringValue, context: Any) -> StringValue:  # noqa: N802
        match request.value:
            case "flour":
                raise NoFlour("SECRET-VALUE")
            case "bug":
                raise RuntimeError("SECRET-VALUE")
            case "abort":
                await context.abort(grpc.StatusCode.NOT_FOUND, "none")
            case "salt":
                raise rpc.RpcRefused(
                    grpc.StatusCode.INVALID_ARGUMENT,
                    "recipe_invalid",
                    "the recipe has faults",
                    [("salt.grams", "number_too_large"), ("name", "field_required")],
                )
        caller = rpc.caller_of(context)
        return StringValue(value=f"{request.value} for {caller.service}")

    async def Taste(self, request: StringValue, context: Any) -> StringValue:  # noqa: N802
        return StringValue(value=f"{rpc.caller_of(context).subject}")

    async def Smell(self, request: StringValue, context: Any) -> StringValue:  # noqa: N802
        return StringValue(value=telemetry.current_traceparent())

    async def Supply(self, request: StringValue, context: Any) -> StringValue:  # noqa: N802
        return StringValue(value=rpc.authorization_of(context) or "nobody")

    @rpc.map_errors({NoFlour: (grpc.StatusCode.FAILED_PRECONDITION, "no_flour")})
    async def Queue(self, request: StringValue, context: Any) -> AsyncIterator[StringValue]:  # noqa: N802
        try:
            for number in range(int(request.value)):
                yield StringValue(value=str(number))
            if request.value == "3":
                raise NoFlour
            await asyncio.Event().wait()
        finally:
            self.closed.set()

    async def Push(self, request: StringValue, context: Any) -> None:  # noqa: N802
        await context.write(StringValue(value=request.value))

    async def Fill(self, requests: AsyncIterator[StringValue], context: Any) -> StringValue:  # noqa: N802
        return StringValue(value="".join([each.value async for each in requests]))

    async def Chat(  # noqa: N802
        self, requests: AsyncIterator[StringValue], context: Any
    ) -> AsyncIterator[StringValue]:
        async for each in requests:
            yield StringValue(value=each.value.upper())


def add_oven(oven: Oven, server: Any) -> None:
    read, write = StringValue.FromString, StringValue.SerializeToString
    handlers = {
        "Bake": grpc.unary_unary_rpc_method_handler(oven.Bake, read, write),
        "Taste": grpc.unary_unary_rpc_method_handler(oven.Taste, read, write),
        "Smell": grpc.unary_unary_rpc_method_handler(oven.Smell, read, write),
        "Supply": grpc.unary_unary_rpc_method_handler(oven.Supply, read, write),
        "Queue": grpc.unary_stream_rpc_method_handler(oven.Queue, read, write),
        "Push": grpc.unary_stream_rpc_method_handler(oven.Push, read, write),
        "Fill": grpc.stream_unary_rpc_method_handler(oven.Fill, read, write),
        "Chat": grpc.stream_stream_rpc_method_handler(oven.Chat, read, write),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))
    server.add_registered_method_handlers(NAME, handlers)


class Bakery:
    """A running server, its servicer, and ways to call it."""

    def __init__(self, keys: Path, **changed: Any) -> None:
        self.keys = keys
        self.changed = changed
        self.oven = Oven()
        self.clock = ManualClock(NOW)
        self.channels: list[grpc.aio.Channel] = []

    def signer(self, name: str) -> TokenSigner:
        return TokenSigner(name, self.keys / f"{name}.private.pem")

    def token(self, name: str = "shop", audience: str = "bakery") -> str:
        return self.signer(name).token(audience, self.clock.now())

    def channel(self, token: str | None = None, deadline: float = 5.0) -> grpc.aio.Channel:
        made = rpc.connect(
            f"127.0.0.1:{self.port}",
            token=(lambda: token) if token else None,
            default_deadline_seconds=deadline,
        )
        self.channels.append(made)
        return made

    def raw_channel(self) -> grpc.aio.Channel:
        made = grpc.aio.insecure_channel(f"127.0.0.1:{self.port}")
        self.channels.append(made)
        return made

    def server(
        self, address: str = "127.0.0.1:0", rows: Any = None, **changed: Any
    ) -> grpc.aio.Server:
        people = self.keys / "people.public.pem"
        ordinary = {"verifier": TokenVerifier("bakery", self.keys, people, clock=self.clock)}
        return rpc.create_server(
            address,
            add_services=[(add_oven, self.oven, NAME)],
            access=AccessTable(ROWS if rows is None else rows),
            **ordinary | changed,
        )

    async def __aenter__(self) -> Self:
        server = self.server(**self.changed)
        self.port = rpc.port_of(server)
        self.stop = asyncio.Event()
        serving = asyncio.Event()
        self.task = asyncio.create_task(
            rpc.serve(server, self.stop, ready=serving.set, grace_seconds=0.1)
        )
        await serving.wait()
        return self

    async def __aexit__(self, *_raised: object) -> None:
        for channel in self.channels:
            await channel.close()
        self.stop.set()
        await self.task


def unary(channel: grpc.aio.Channel, method: str, kind: str = "unary_unary") -> Any:
    return getattr(channel, kind)(
        f"/{NAME}/{method}",
        request_serializer=StringValue.SerializeToString,
        response_deserializer=StringValue.FromString,
    )
