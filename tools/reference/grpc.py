"""The page of gRPC: services, calls, who may call them, and the messages they carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ruamel.yaml import YAML

from tools.reference.contracts import PROTOS
from tools.reference.markdown import code, codes, link, page, table
from tools.reference.protos import Kind, Protos, Service, read_protos

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tools.reference.contracts import Contracts

_INTRODUCTION: Final = """\
From the [.proto files](../../protos/joinedup); stubs for Python are in
[protos/python](../../protos/python), and every server answers health and, outside production,
reflection. A call carries a token in its metadata (`authorization: Bearer …`) and has a deadline;
who may call what stands in [rpc-access.yaml](../../protos/rpc-access.yaml). Departments need
`joinedup.events.v1.LifeEvents` only. What its refusals mean: [errors.md](errors.md)."""


def text(_contracts: Contracts) -> str:
    """The page."""
    protos = read_protos()
    access = YAML(typ="safe").load(PROTOS / "rpc-access.yaml")
    carried = dict.fromkeys(
        name
        for service in protos.services.values()
        for rpc in service.rpcs
        for name in reached((rpc.request, rpc.response), protos)
    )
    return page(
        "gRPC",
        _INTRODUCTION,
        *(_service(each, access) for each in protos.services.values()),
        "## Messages",
        *kinds(carried, protos),
    )


def reached(names: Iterable[str], protos: Protos) -> Iterator[str]:
    """These messages, and every message and enum that they are made of."""
    waiting, seen = list(names), set()
    while waiting:
        name = waiting.pop(0)
        if name in seen or name not in protos.kinds:
            continue
        seen.add(name)
        yield name
        waiting += [part.type for part in protos.kinds[name].parts]


def kinds(names: Iterable[str], protos: Protos) -> Iterator[str]:
    """A section for each message and enum."""
    known = frozenset(names)
    return (_kind(protos.kinds[name], known) for name in sorted(known))


def _service(service: Service, access: dict[str, list[str]]) -> str:
    rows = [
        (
            code(rpc.name),
            rpc.comment,
            _carried(rpc.request, streamed=rpc.request_streamed),
            _carried(rpc.response, streamed=rpc.response_streamed),
            codes(access[f"{service.name}/{rpc.name}"]),
        )
        for rpc in service.rpcs
    ]
    headings = ("call", "what it does", "request", "response", "who may call it")
    return "\n\n".join((f"## {service.name}", service.comment, table(headings, rows)))


def _carried(message: str, *, streamed: bool) -> str:
    return f"stream of {_link(message)}" if streamed else _link(message)


def _kind(kind: Kind, known: frozenset[str]) -> str:
    if kind.is_enum:
        shown = table(("value", "meaning"), ((code(p.name), p.comment) for p in kind.parts))
    else:
        shown = table(
            ("field", "type", "meaning"),
            (
                (code(p.name), " ".join((p.label, _type(p.type, known))).strip(), p.comment)
                for p in kind.parts
            ),
        )
    return "\n\n".join(part for part in (f"### {kind.name}", kind.comment, shown) if part)


def _type(name: str, known: frozenset[str]) -> str:
    return _link(name) if name in known else code(name.removeprefix("google.protobuf."))


def _link(name: str) -> str:
    return link(name).replace(code(name), code(name.rpartition(".")[2]))
