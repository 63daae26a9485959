"""What a correction does to prompts is said in the catalogue, and told to developers alike."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from joinedup.cli import words
from services.events.domain.life_event import Reason
from services.kit.catalogue import CatalogueInvalid
from services.kit.yaml_file import read_yaml
from services.nudges.adapters.catalogue_files import CatalogueFiles
from services.nudges.domain.nudge import Effect

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/correct-an-event.md").read_text()
SCHEMA = json.loads((ROOT / "catalogue/schema/event-type.schema.json").read_text())
TYPES: dict[str, dict[str, Any]] = {
    path.stem: read_yaml(path).data for path in sorted((ROOT / "catalogue/events").glob("*.yaml"))
}
LATER = [str(reason) for reason in Reason if reason is not Reason.REGISTERED]


def rows_under(heading: str) -> list[list[str]]:
    """The rows of the page's table whose first heading is this one, without their backticks."""
    _, _, below = PAGE.partition(f"| {heading} |")
    table = below.split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in table]


def test_the_page_tells_what_every_type_says():
    told = {name: dict(zip(LATER, effects, strict=True)) for name, *effects in rows_under("type")}

    assert told == {name: entry["corrections"] for name, entry in TYPES.items()}


def test_the_page_and_the_command_line_have_every_word():
    assert {row[0] for row in rows_under("word")} == set(Effect)
    assert all(words.correction(effect) != effect for effect in Effect)


def test_every_word_is_explained_where_it_is_written():
    described = SCHEMA["properties"]["corrections"]

    assert all(f"{effect}: " in described["description"] for effect in Effect)
    allowed = {word for reason in LATER for word in described["properties"][reason]["enum"]}
    assert allowed == set(Effect)


def test_the_page_leads_from_every_reason_to_an_event_with_it():
    linked = re.findall(r"\| `(\w+)` \| \[[^\]]+\]\(\.\./\.\./([^)]+)\)", PAGE)

    assert [reason for reason, _ in linked] == LATER
    for reason, path in linked:
        assert json.loads((ROOT / path).read_text())["data"]["reason"] == reason


@pytest.mark.parametrize("name", TYPES)
def test_every_type_has_a_golden_event_of_each_kind(name: str):
    examples = [
        json.loads((ROOT / "protos/examples" / file).read_text())["data"]["reason"]
        for file in TYPES[name]["examples"]
    ]

    assert set(examples) == {*LATER, "registered"}


@pytest.mark.parametrize(
    ("was", "becomes", "code"),
    [
        ("cancelled: withdraw", "cancelled: keep", "value_not_allowed"),
        ("cancelled: withdraw", "cancelled: reconsider", "value_not_allowed"),
        ("formal_correction: reconsider", "formal_correction: reissue", "value_not_allowed"),
        ("cancellation_removed: reissue", "cancellation_removed: reconsider", "value_not_allowed"),
        ("typographical: keep, ", "", "field_required"),
        ("typographical: keep", "typographical: keep, guessed: keep", "field_unknown"),
    ],
)
def test_a_word_that_a_reason_may_not_have_keeps_the_type_out(
    tmp_path: Path, was: str, becomes: str, code: str
):
    folder = tmp_path / "catalogue"
    path = folder / "events" / "residence.address.moved.v1.yaml"
    shutil.copytree(ROOT / "catalogue", folder)
    text = path.read_text()
    assert was in text
    path.write_text(text.replace(was, becomes))

    with pytest.raises(CatalogueInvalid) as invalid:
        CatalogueFiles(folder)

    assert code in {problem.code for problem in invalid.value.problems}
