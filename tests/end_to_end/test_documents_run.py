"""What the pages for departments tell to do, done on a whole platform, prints what they say."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from deploy.local.ports import DEFAULT_BASE, OFFSETS
from deploy.local.settings import ROOT
from tests.documents import blocks, prints_that

if TYPE_CHECKING:
    from deploy.local.platform import Platform
    from tests.documents import Block

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]

PAGES: Final = ("publish-an-event", "publish-to-kafka", "publish-a-file", "outbox")
# What a page finds in the folder that it is read in.
_THERE: Final = (".venv", "demo", "protos")
_SECONDS: Final = 60
_COMMANDS: Final = {"sh": ("bash", "-euo", "pipefail"), "python": ("python",)}


@pytest.fixture
def folder(tmp_path):
    """The repository, as far as pages need it; what they write stays out of it."""
    for each in _THERE:
        (tmp_path / each).symlink_to(ROOT / each)
    return tmp_path


@pytest.mark.parametrize("name", PAGES)
def test_a_page_does_what_it_says(name, platform, folder):
    for block in blocks(ROOT / "docs" / "how-to" / f"{name}.md"):
        if block.save_as:
            (folder / block.save_as).write_text(_on(platform, block.text), encoding="utf-8")
        elif block.runs:
            _run(f"{name}.md:{block.line}", block, platform, folder)


def _run(place: str, block: Block, platform: Platform, folder: Path) -> None:
    script = folder / "block"
    script.write_text(_on(platform, block.text), encoding="utf-8")
    done = subprocess.run(
        [*_COMMANDS[block.language], script.name],
        cwd=folder,
        env={
            **os.environ,
            "JOINEDUP_HOME": str(platform.home),
            "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    said = f"{place}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, said
    if block.prints is not None:
        assert prints_that(done.stdout, _on(platform, block.prints)), said


def _on(platform: Platform, text: str) -> str:
    """A page's text with the addresses of this platform in place of the default ones."""
    for name, offset in OFFSETS.items():
        if name in platform.endpoints:
            ours = platform.endpoints[name].rpartition(":")[2]
            text = re.sub(rf"\b127\.0\.0\.1:{DEFAULT_BASE + offset}\b", f"127.0.0.1:{ours}", text)
    return text
