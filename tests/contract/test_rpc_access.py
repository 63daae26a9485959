"""The table of callers names every RPC of the contracts and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from ruamel.yaml import YAML

PROTOS = Path(__file__).resolve().parents[2] / "protos"
CALLERS = {
    "events",
    "identity",
    "nudges",
    "notifications",
    "portal",
    "operator",
    "person",
    "publisher",
    "anyone",
}
PACKAGE = re.compile(r"^package ([\w.]+);", re.MULTILINE)
SERVICE = re.compile(r"^service (\w+) \{(.*?)^\}", re.MULTILINE | re.DOTALL)
RPC = re.compile(r"^\s*rpc (\w+)\(", re.MULTILINE)


def declared() -> set[str]:
    names = set()
    for path in PROTOS.glob("joinedup/**/*.proto"):
        text = path.read_text()
        package = PACKAGE.search(text)
        assert package
        names |= {
            f"{package[1]}.{service}/{rpc}"
            for service, body in SERVICE.findall(text)
            for rpc in RPC.findall(body)
        }
    return names


def table() -> dict[str, list[str]]:
    loaded: dict[str, list[str]] = YAML(typ="safe").load((PROTOS / "rpc-access.yaml").read_text())
    return loaded


def test_every_rpc_has_its_callers() -> None:
    assert table().keys() == declared()


def test_every_caller_is_known() -> None:
    assert {caller for callers in table().values() for caller in callers} <= CALLERS


def test_only_the_door_for_departments_believes_its_callers_itself() -> None:
    for_publishers = {name: callers for name, callers in table().items() if "publisher" in callers}

    assert for_publishers
    assert all(name.startswith("joinedup.events.v1.") for name in for_publishers)
    assert all(callers == ["publisher"] for callers in for_publishers.values())
