"""The import rules hold, and each of them catches the mistake it is there for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


# Without `site`, so that no other checkout's portions of `joinedup` are on the path.
LINT = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter over a tree that holds services, stubs and client."""
    parts = [str(tree / part) for part in (".", "protos/python", "client")]
    return subprocess.run(
        [sys.executable, "-S", "-c", LINT],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*parts, sysconfig.get_path("purelib")])},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy_of_the_tree(tmp_path: Path) -> Path:
    for part in ("services", "protos/python", "client"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_import_points_the_right_way() -> None:
    result = lint_imports(ROOT)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("services/nudges/settings.py", "import services.identity.settings", "never on each other"),
        ("services/kit/clock.py", "import services.events.settings", "know no service"),
        ("services/nudges/domain/decide.py", "import services.nudges.handlers", "point inwards"),
        ("services/events/helpers.py", "", "point inwards"),
        ("services/nudges/domain/decide.py", "import grpc", "know no framework"),
        ("services/identity/handlers.py", "import services.kit.clock", "know no framework"),
        ("client/joinedup/client/__init__.py", "import services.kit.ids", "contracts alone"),
    ],
)
def test_a_wrong_import_is_caught(
    copy_of_the_tree: Path, module: str, line: str, contract: str
) -> None:
    broken = copy_of_the_tree / module
    if not broken.exists() and broken.with_suffix("").is_dir():
        broken = broken.with_suffix("") / "__init__.py"
    before = broken.read_text() if broken.exists() else ""
    broken.write_text(f"{before}\n{line}\n")

    result = lint_imports(copy_of_the_tree)

    assert result.returncode == 1
    broken_contracts = [row for row in result.stdout.splitlines() if row.endswith("BROKEN")]
    assert any(contract in row for row in broken_contracts), result.stdout
