"""Files and functions stay small enough to be read as examples."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINES_A_FILE = 300
LINES_A_TEST_FILE = 400
LINES_A_FUNCTION = 50
GENERATED = "protos/python/"


def python_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [ROOT / name for name in listed if not name.startswith(GENERATED)]


def functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_no_file_holds_two_rooms() -> None:
    def limit(path: Path) -> int:
        return LINES_A_TEST_FILE if path.is_relative_to(ROOT / "tests") else LINES_A_FILE

    too_long = {
        str(path.relative_to(ROOT)): lines
        for path in python_files()
        if (lines := len(path.read_text().splitlines())) > limit(path)
    }

    assert not too_long, f"split by concept, never into part two: {too_long}"


def test_every_function_fits_on_a_screen() -> None:
    too_long = {
        f"{path.relative_to(ROOT)}:{function.name}": function.end_lineno - function.lineno + 1
        for path in python_files()
        for function in functions(ast.parse(path.read_text()))
        if function.end_lineno is not None
        and function.end_lineno - function.lineno + 1 > LINES_A_FUNCTION
    }

    assert not too_long, f"name its steps: {too_long}"


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in python_files()
        if not path.is_relative_to(ROOT / "tests")
        and path.read_text().strip()
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert not silent
