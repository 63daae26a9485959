"""Generates the Python stubs of every contract into protos/python, or checks them for drift."""

from __future__ import annotations

import argparse
import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
STUBS = PROTOS / "python"


def generate(into: Path) -> None:
    """Write messages, typed stubs and gRPC classes for every .proto file below `into`."""
    sources = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("joinedup/**/*.proto"))
    plugins = Path(sys.executable).parent
    command = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        f"-I{PROTOS}",
        f"--plugin=protoc-gen-mypy={plugins / 'protoc-gen-mypy'}",
        f"--plugin=protoc-gen-mypy_grpc={plugins / 'protoc-gen-mypy_grpc'}",
        f"--python_out={into}",
        f"--grpc_python_out={into}",
        f"--mypy_out=quiet:{into}",
        f"--mypy_grpc_out=quiet:{into}",
        *sources,
    ]
    subprocess.run(command, check=True)
    (into / "joinedup" / "py.typed").touch()
    for stub in into.rglob("*_pb2_grpc.py"):
        if "def add_" not in stub.read_text():  # a file of messages only needs no gRPC module
            stub.unlink()
            stub.with_suffix(".pyi").unlink(missing_ok=True)


def differing(fresh: Path) -> list[str]:
    """Name every stub that is missing, changed or left over."""
    names = {p.relative_to(fresh) for p in fresh.rglob("*") if p.is_file()}
    kept = {
        p.relative_to(STUBS)
        for p in STUBS.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    changed = (
        name for name in names & kept if not filecmp.cmp(fresh / name, STUBS / name, shallow=False)
    )
    return sorted(str(name) for name in {*(names ^ kept), *changed})


def main() -> int:
    """Run from the command line; `--check` writes nothing and fails on drift."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether they are current")
    check: bool = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        drift = differing(fresh)
        if check:
            for name in drift:
                print(f"protos/python/{name} is not what protos/ says; run `make protos`")
            return 1 if drift else 0
        shutil.rmtree(STUBS, ignore_errors=True)
        shutil.copytree(fresh, STUBS)
    print(f"{len(drift)} stubs changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
