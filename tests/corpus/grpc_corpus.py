"""One runner for the bad input of gRPC: a file an entry, against any server of the platform."""

from __future__ import annotations

import asyncio
import base64
import importlib
import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from ruamel.yaml import YAML

from services.kit.rpc import fields_of, reason_of
from services.kit.settings import REPOSITORY
from tests.corpus import http_bodies

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTRIES: Final = sorted((Path(__file__).parent / "grpc").glob("*.yaml"))
SECONDS: Final = 10.0
_CONTRACTS: Final = ("joinedup/events/v1", "joinedup/identity/v1", "joinedup/notifications/v1")


@dataclass(frozen=True)
class Entry:
    """What is asked, and what must be answered."""

    name: str
    call: dict[str, Any]
    expect: dict[str, Any]

    def is_for(self, rpc: str) -> bool:
        """Whether it is asked of a method, by its full name."""
        return fnmatch(rpc, self.call["rpc"])


@dataclass(frozen=True)
class Rpc:
    """One method of a server: its full name, and who may call it."""

    name: str
    kind: str
    callers: frozenset[str]

    def path(self, instead: str | None) -> str:
        """Where it is asked for, or another method of its service."""
        service, _, method = self.name.rpartition("/")
        return f"/{service}/{instead or method}"


def entries() -> list[Entry]:
    """Every entry of the corpus."""
    yaml = YAML(typ="safe")
    read = [(path, yaml.load(path.read_text())) for path in ENTRIES]
    return [Entry(path.stem, told["call"], told["expect"]) for path, told in read]


def rpcs(package: str) -> list[Rpc]:
    """Every method of a package, as the table of callers and the contracts have them."""
    table = YAML(typ="safe").load((REPOSITORY / "protos" / "rpc-access.yaml").read_text())
    return [
        Rpc(name, _kind(_method(name)), frozenset(callers))
        for name, callers in table.items()
        if name.startswith(f"{package}.")
    ]


def asked(entry: Entry, served: list[Rpc]) -> list[Rpc]:
    """The methods of a server that an entry is for."""
    open_to_anyone = entry.call.get("token") == "none"
    return [
        rpc
        for rpc in served
        if entry.is_for(rpc.name) and not (open_to_anyone and "anyone" in rpc.callers)
    ]


async def run(
    entry: Entry,
    rpc: Rpc,
    target: str,
    tokens: Mapping[str, str],
    values: Mapping[str, str] | None = None,
) -> str:
    """Ask a server what the entry asks, and hold its answer, which is returned, to what it must be.

    `tokens` has one for each kind of caller; `values` replaces `$name` in the entry's message.
    """
    message = _filled(entry.call.get("message", {}), values or {})
    payload = _payload(entry, rpc, message)
    error = await asyncio.to_thread(_ask, rpc, target, payload, entry.call, tokens)
    expected = entry.expect
    assert error is not None, f"{rpc.name} answered {entry.name}"
    assert error.code().name == expected["status"], f"{rpc.name}: {error.details()}"
    if "code" in expected:
        assert reason_of(error) == expected["code"], f"{rpc.name}: {error.details()}"
    if "fields" in expected:
        assert dict(fields_of(error)) == expected["fields"]
    answered = f"{error.details()} {error.trailing_metadata()}"
    sent = [each for each in message.values() if isinstance(each, str) and len(each) > 3]
    assert not [each for each in sent if re.search(rf"\b{re.escape(each)}\b", answered)]
    return answered


def _ask(
    rpc: Rpc, target: str, payload: bytes, call: dict[str, Any], tokens: Mapping[str, str]
) -> Any:
    """The error that the call ended with; None when it was answered.

    By the blocking client: the other one hides a status that comes while it still sends.
    """
    deadline = call.get("deadline", SECONDS)
    metadata = [("x-padding", "x" * call.get("padding", 0))]
    if call.get("token") != "none":
        token = next((tokens[each] for each in sorted(rpc.callers) if each in tokens), "")
        metadata += [("authorization", f"Bearer {token}")] if token else []
    with grpc.insecure_channel(target) as channel:
        started = getattr(channel, rpc.kind)(rpc.path(call.get("instead")))
        try:
            answer = started(
                iter([payload]) if rpc.kind.startswith("stream") else payload,
                timeout=None if deadline == "none" else deadline,
                metadata=tuple(metadata),
                compression=grpc.Compression.Gzip if call.get("compressed") else None,
            )
            if rpc.kind.endswith("stream"):
                list(answer)
        except grpc.RpcError as error:
            return error
    return None


def _payload(entry: Entry, rpc: Rpc, message: dict[str, Any]) -> bytes:
    raw = entry.call.get("bytes")
    if raw is None:
        kind = message_factory.GetMessageClass(_method(rpc.name).input_type)
        event = http_bodies.content(entry.call, entry.name.partition("-")[0])
        if event is not None and "cloud_event_json" in kind.DESCRIPTOR.fields_by_name:
            message = {"cloud_event_json": base64.b64encode(event).decode()}
        return bytes(json_format.ParseDict(message, kind()).SerializeToString())
    if "levels" in raw:
        return _deep(raw["levels"])
    return bytes.fromhex(raw["hex"]) if "hex" in raw else b"\0" * raw["zeros"]


def _deep(levels: int) -> bytes:
    """A typed event whose one fact is so many lists in each other."""
    fact = b""
    for _ in range(levels):
        fact = _field(6, _field(1, fact))  # Value.list_value, ListValue.values
    facts = _field(1, _field(1, b"a") + _field(2, fact))  # Struct.fields: key and value
    return _field(1, _field(12, facts))  # PublishRequest.life_event, LifeEvent.facts


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field, as protobuf writes it."""
    length, rest = b"", len(content)
    while rest > 0x7F:
        length += bytes([rest & 0x7F | 0x80])
        rest >>= 7
    return bytes([number << 3 | 2]) + length + bytes([rest]) + content


def _filled(message: dict[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: values[value[1:]] if isinstance(value, str) and value.startswith("$") else value
        for name, value in message.items()
    }


def _kind(method: Any) -> str:
    """How gRPC's channels name a method's kind."""
    sides = (method.client_streaming, method.server_streaming)
    return "_".join("stream" if streams else "unary" for streams in sides)


def _method(name: str) -> Any:
    for folder in _CONTRACTS:
        for path in (REPOSITORY / "protos" / folder).glob("*.proto"):
            importlib.import_module(f"{folder}/{path.stem}_pb2".replace("/", "."))
    service, _, method = name.rpartition("/")
    return descriptor_pool.Default().FindServiceByName(service).methods_by_name[method]
