"""The command line of a whole platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.command_line import AsProcess
from tests.end_to_end.people import Parent, write

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.local.platform import Platform


@pytest.fixture(scope="session")
def joinedup(platform: Platform) -> AsProcess:
    """`joinedup`, as a person or a script runs it."""
    return AsProcess(platform.home)


@pytest.fixture
def mother(joinedup: AsProcess, tmp_path: Path) -> Parent:
    """A mother who is registered and has permitted HMRC to help her family."""
    mother = Parent()
    added = joinedup("people", "add", write(tmp_path, "people.jsonl", mother.line()), "--json")
    assert added.document == {"registered": 1, "existing": 0, "failed": []}
    return mother
