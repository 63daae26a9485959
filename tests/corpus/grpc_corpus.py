"""One runner for the bad input of gRPC: a file an entry, against any server of the platform."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from ruamel.yaml import YAML

from services.kit.rpc import fields_of, reason_of
from services.kit.settings import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTRIES: Final = sorted((Path(__file__).parent / "grpc").glob("*.yaml"))
EVERY: Final = "every"
SECONDS: Final = 10.0
_CONTRACTS: Final = ("joinedup/identity/v1", "joinedup/notifications/v1")


@dataclass(frozen=True)
class Entry:
    """What is asked, and what must be answered."""

    name: str
    call: dict[str, Any]
    expect: dict[str, Any]

    @property
    def rpc(self) -> str:
        return str(self.call["rpc"])


@dataclass(frozen=True)
class Rpc:
    """One method of a server: its full name, and who may call it."""

    name: str
    streams: bool
    callers: frozenset[str]


def entries() -> list[Entry]:
    """Every entry of the corpus."""
    yaml = YAML(typ="safe")
    read = [(path, yaml.load(path.read_text())) for path in ENTRIES]
    return [Entry(path.stem, told["call"], told["expect"]) for path, told in read]


def rpcs(package: str) -> list[Rpc]:
    """Every method of a package, as the table of callers and the contracts have them."""
    table = YAML(typ="safe").load((REPOSITORY / "protos" / "rpc-access.yaml").read_text())
    return [
        Rpc(name, _method(name).server_streaming, frozenset(callers))
        for name, callers in table.items()
        if name.startswith(f"{package}.")
    ]


def asked(entry: Entry, served: list[Rpc]) -> list[Rpc]:
    """The methods of a server that an entry is for."""
    if entry.rpc != EVERY:
        return [rpc for rpc in served if rpc.name == entry.rpc]
    open_to_anyone = entry.call.get("token") == "none"
    return [rpc for rpc in served if not (open_to_anyone and "anyone" in rpc.callers)]


async def run(
    entry: Entry,
    rpc: Rpc,
    target: str,
    tokens: Mapping[str, str],
    values: Mapping[str, str] | None = None,
) -> None:
    """Ask a server what the entry asks, and hold its answer to what must be answered.

    `tokens` has one for each kind of caller; `values` replaces `$name` in the entry's message.
    """
    message = _filled(entry.call.get("message", {}), values or {})
    payload = _payload(entry.call, rpc, message)
    error = await _ask(rpc, target, payload, entry.call, tokens)
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


async def _ask(
    rpc: Rpc, target: str, payload: bytes, call: dict[str, Any], tokens: Mapping[str, str]
) -> grpc.aio.AioRpcError | None:
    deadline = call.get("deadline", SECONDS)
    metadata = []
    if call.get("token") != "none":
        token = next((tokens[each] for each in sorted(rpc.callers) if each in tokens), "")
        metadata = [("authorization", f"Bearer {token}")] if token else []
    async with grpc.aio.insecure_channel(target) as channel:
        kind: Any = channel.unary_stream if rpc.streams else channel.unary_unary
        started = kind(f"/{rpc.name}")(
            payload,
            timeout=None if deadline == "none" else deadline,
            metadata=tuple(metadata),
        )
        try:
            if rpc.streams:
                while await started.read() is not grpc.aio.EOF:
                    pass
            else:
                await started
        except grpc.aio.AioRpcError as error:
            return error
    return None


def _payload(call: dict[str, Any], rpc: Rpc, message: dict[str, Any]) -> bytes:
    raw = call.get("bytes")
    if raw is None:
        kind = message_factory.GetMessageClass(_method(rpc.name).input_type)
        return bytes(json_format.ParseDict(message, kind()).SerializeToString())
    return bytes.fromhex(raw["hex"]) if "hex" in raw else b"\0" * raw["zeros"]


def _filled(message: dict[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: values[value[1:]] if isinstance(value, str) and value.startswith("$") else value
        for name, value in message.items()
    }


def _method(name: str) -> Any:
    for folder in _CONTRACTS:
        for path in (REPOSITORY / "protos" / folder).glob("*.proto"):
            importlib.import_module(f"{folder}/{path.stem}_pb2".replace("/", "."))
    service, _, method = name.rpartition("/")
    return descriptor_pool.Default().FindServiceByName(service).methods_by_name[method]
