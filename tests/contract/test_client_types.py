"""Whoever checks types strictly can use the client as the pages show it."""

import subprocess
import sys
from pathlib import Path

from tests.documents import blocks

ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 50


def told_strictly(folder):
    """What mypy says of a folder, with a department's configuration: none but strict."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "."]
    # kafka-python has no types; what was found out once is kept beside what the build keeps.
    more = ["--ignore-missing-imports", f"--cache-dir={ROOT / 'build' / 'mypy-pages'}"]
    return subprocess.run(
        [*command, *more], cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
    )


def test_the_pages_programs_are_strictly_typed(tmp_path):
    for page in (ROOT / "docs" / "how-to").glob("*.md"):
        for block in blocks(page):
            if block.language == "python" and "joinedup.client" in block.text:
                program = tmp_path / f"{page.stem.replace('-', '_')}_{block.line}.py"
                program.write_text(block.text, encoding="utf-8")

    told = told_strictly(tmp_path)

    assert told.returncode == 0, told.stdout + told.stderr


def test_a_wrong_use_is_told(tmp_path):
    (tmp_path / "wrong.py").write_text(
        "from joinedup.client import Publisher\n"
        'Publisher.from_home("sandbox").publish(7).no_such_field\n'
    )

    told = told_strictly(tmp_path).stdout

    assert "[arg-type]" in told
    assert "[attr-defined]" in told
