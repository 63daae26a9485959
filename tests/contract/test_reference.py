"""The pages of docs/reference are current, and lead where they say."""

from __future__ import annotations

import re
import shutil

import pytest

from services.events.domain import texts
from tools import generate_reference
from tools.generate_reference import REFERENCE
from tools.reference.markdown import anchor

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)#([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ONLY_ON_A_TOPIC = {"record_unreadable"}
PAGES = sorted(REFERENCE.glob("*.md"))


@pytest.fixture
def copy(tmp_path, monkeypatch):
    folder = shutil.copytree(REFERENCE, tmp_path / "reference")
    monkeypatch.setattr(generate_reference, "REFERENCE", folder)
    return folder


def check(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["generate_reference", "--check"])
    failed = generate_reference.main()
    return failed, capsys.readouterr().out


def test_a_page_that_was_changed_missing_or_left_over_is_found(copy, monkeypatch, capsys):
    with (copy / "topics.md").open("a") as page:
        page.write("\nBy hand.\n")
    (copy / "cli.md").unlink()
    (copy / "old.md").write_text("what was")

    failed, said = check(monkeypatch, capsys)

    assert failed
    assert [line.split()[0] for line in said.splitlines()] == [
        *("docs/reference/cli.md", "docs/reference/old.md", "docs/reference/topics.md"),
    ]
    assert "make reference" in said


def test_what_is_made_anew_is_current(copy, monkeypatch, capsys):
    (copy / "topics.md").write_text("what was")
    (copy / "old.md").write_text("what was")
    monkeypatch.setattr("sys.argv", ["generate_reference"])

    assert generate_reference.main() == 0
    assert check(monkeypatch, capsys) == (0, "2 pages changed\n")
    assert not (copy / "old.md").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_heading_finds_it(page):
    for target, place in LINK.findall(page.read_text()):
        headings = HEADING.findall((page.parent / (target or page.name)).read_text())
        assert place in map(anchor, headings), f"{target}#{place}"


def test_every_code_says_with_which_status_it_comes():
    rows = [line.split(" | ") for line in (REFERENCE / "errors.md").read_text().splitlines()]
    statuses = {row[0].strip("| `"): row[1:3] for row in rows if len(row) == 5}

    assert statuses.keys() >= texts.REQUEST.keys()
    for http, grpc in (statuses[code] for code in texts.REQUEST if statuses[code] != ["", ""]):
        assert re.fullmatch(r"([45][0-9]{2}(, )?)*", http)
        assert re.fullmatch(r"[A-Z_]*", grpc)
    assert {code for code in texts.REQUEST if statuses[code] == ["", ""]} == ONLY_ON_A_TOPIC
