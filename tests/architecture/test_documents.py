"""The documents point at things that exist, and the first page stays short."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
README_LINES = 150
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")  # [text](target), without in-page anchors


def markdown_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [ROOT / name for name in listed]


@pytest.mark.parametrize("page", markdown_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    targets = [t for t in LINK.findall(page.read_text()) if not re.match(r"[a-z]+:", t)]

    assert [t for t in targets if not (page.parent / t).exists()] == []


def test_the_first_page_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES


def test_every_folder_of_the_readmes_map_exists() -> None:
    folders = re.findall(r"^([a-z]+(?:/[a-z]+)*)/ ", (ROOT / "README.md").read_text(), re.MULTILINE)

    assert folders
    assert [f for f in folders if not (ROOT / f).is_dir()] == []


def test_the_public_code_entry_has_what_the_standard_asks() -> None:
    entry = YAML(typ="safe").load((ROOT / "publiccode.yml").read_text())

    required = {
        "publiccodeYmlVersion", "name", "url", "developmentStatus", "softwareType",
        "categories", "description", "legal", "maintenance", "localisation",
    }  # fmt: skip
    assert required <= entry.keys()
    assert entry["description"].keys() == {"en", "cy"}
