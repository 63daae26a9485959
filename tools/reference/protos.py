"""Messages, enums and RPCs with their comments, as the .proto files say them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from google.protobuf import descriptor_pb2 as pb

from tools.reference.contracts import PROTOS

_Field = pb.FieldDescriptorProto
# Numbers of the fields of descriptor.proto, of which the place of a comment is made.
_MESSAGES: Final = 4
_ENUMS: Final = 5
_SERVICES: Final = 6
_INSIDE: Final = 2


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a message: its type's full name, or a plain type; or a value of an enum."""

    name: str
    type: str
    label: str
    comment: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A message or an enum."""

    name: str
    comment: str
    parts: tuple[Part, ...]
    is_enum: bool


@dataclass(frozen=True, slots=True)
class Rpc:
    """One call; request and response are full names of messages."""

    name: str
    comment: str
    request: str
    response: str
    request_streamed: bool
    response_streamed: bool


@dataclass(frozen=True, slots=True)
class Service:
    """What is served together."""

    name: str
    comment: str
    rpcs: tuple[Rpc, ...]


@dataclass(frozen=True, slots=True)
class Protos:
    """Everything that the .proto files declare, by full name."""

    services: dict[str, Service]
    kinds: dict[str, Kind]


def read_protos() -> Protos:
    """Read every .proto file; raises CalledProcessError when one is none."""
    services: dict[str, Service] = {}
    kinds: dict[str, Kind] = {}
    for file in _described().file:
        comments = {
            tuple(each.path): each.leading_comments for each in file.source_code_info.location
        }
        said = _Said(file.package, comments)
        services |= {each.name: each for each in said.services(file)}
        kinds |= {each.name: each for each in said.kinds(file)}
    return Protos(services, kinds)


def _described() -> pb.FileDescriptorSet:
    sources = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("joinedup/**/*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "protos"
        command = [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            f"-I{PROTOS}",
            "--include_source_info",
        ]
        subprocess.run([*command, f"--descriptor_set_out={out}", *sources], check=True)
        return pb.FileDescriptorSet.FromString(out.read_bytes())


class _Said:
    """The comments of one file, each found by the place of what it is about."""

    def __init__(self, package: str, comments: dict[tuple[int, ...], str]) -> None:
        self._package = package
        self._comments = comments

    def kinds(self, file: pb.FileDescriptorProto) -> Iterator[Kind]:
        for index, message in enumerate(file.message_type):
            place = (_MESSAGES, index)
            parts = tuple(
                Part(field.name, *_typed(message, field), self._of(*place, _INSIDE, number))
                for number, field in enumerate(message.field)
            )
            yield Kind(self._named(message.name), self._of(*place), parts, is_enum=False)
        for index, enum in enumerate(file.enum_type):
            place = (_ENUMS, index)
            values = tuple(
                Part(value.name, "", "", self._of(*place, _INSIDE, number))
                for number, value in enumerate(enum.value)
            )
            yield Kind(self._named(enum.name), self._of(*place), values, is_enum=True)

    def services(self, file: pb.FileDescriptorProto) -> Iterator[Service]:
        for index, service in enumerate(file.service):
            place = (_SERVICES, index)
            rpcs = tuple(
                Rpc(
                    name=rpc.name,
                    comment=self._of(*place, _INSIDE, number),
                    request=rpc.input_type.removeprefix("."),
                    response=rpc.output_type.removeprefix("."),
                    request_streamed=rpc.client_streaming,
                    response_streamed=rpc.server_streaming,
                )
                for number, rpc in enumerate(service.method)
            )
            yield Service(self._named(service.name), self._of(*place), rpcs)

    def _named(self, name: str) -> str:
        return f"{self._package}.{name}"

    def _of(self, *place: int) -> str:
        return " ".join(self._comments.get(place, "").split())


def _typed(message: pb.DescriptorProto, field: pb.FieldDescriptorProto) -> tuple[str, str]:
    """A field's type, and whether it is one of several, one of a choice, or may be absent."""
    name = (
        field.type_name.removeprefix(".")
        or _Field.Type.Name(field.type).removeprefix("TYPE_").lower()
    )
    entries = {each.name: each for each in message.nested_type if each.options.map_entry}
    if entry := entries.get(name.rpartition(".")[2]):
        key, value = (_typed(entry, each)[0] for each in entry.field)
        return f"map of {key} to {value}", ""
    if field.label == _Field.LABEL_REPEATED:
        return name, "list"
    if field.proto3_optional:
        return name, "optional"
    if field.HasField("oneof_index"):
        return name, f"one of {message.oneof_decl[field.oneof_index].name}"
    return name, ""
