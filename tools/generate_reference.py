"""Generates docs/reference from the contracts, or checks it for drift.

`python -m tools.generate_reference [--check]`
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from tools.reference import asyncapi, cli, contents, errors, event_types, grpc, http, topics
from tools.reference.contracts import ROOT, Contracts, read_contracts

if TYPE_CHECKING:
    from collections.abc import Callable

REFERENCE: Final = ROOT / "docs" / "reference"
PAGES: Final[dict[str, Callable[[Contracts], str]]] = {
    "asyncapi.yaml": asyncapi.text,
    "cli.md": cli.text,
    "errors.md": errors.text,
    "event-types.md": event_types.text,
    "grpc.md": grpc.text,
    "http.md": http.text,
    "README.md": contents.text,
    "topics.md": topics.text,
}


def differing() -> dict[str, str]:
    """Every page that is missing, changed or left over, with the text it should have."""
    contracts = read_contracts()
    wanted = {name: page(contracts) for name, page in PAGES.items()}
    there = {path.name: path.read_text(encoding="utf-8") for path in REFERENCE.iterdir()}
    names = sorted(wanted.keys() | there.keys())
    return {name: wanted.get(name, "") for name in names if wanted.get(name) != there.get(name)}


def main() -> int:
    """Run from the command line; `--check` writes nothing and fails on drift."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether it is current")
    check: bool = parser.parse_args().check
    REFERENCE.mkdir(exist_ok=True)
    drift = differing()
    if check:
        for name in drift:
            print(f"docs/reference/{name} is not what the contracts say; run `make reference`")
        return 1 if drift else 0
    for name, text in drift.items():
        if text:
            (REFERENCE / name).write_text(text, encoding="utf-8")
        else:
            (REFERENCE / name).unlink()
    print(f"{len(drift)} pages changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
