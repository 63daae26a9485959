"""A nudge must fit its event type, the agreements and itself; each fault has its line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from services.kit.catalogue import CatalogueInvalid
from services.nudges.adapters.catalogue_files import CatalogueFiles

ROOT = Path(__file__).resolve().parents[3]
NUDGE = "nudges/moving/council-tax.yaml"
KEPT = [
    NUDGE,
    "events/residence.address.moved.v1.yaml",
    "events/civil-registration.death.registered.v1.yaml",
    "agreements/moving.yaml",
    "agreements/driving.yaml",
    "agreements/health.yaml",
    *(f"schema/{name}.schema.json" for name in ("agreement", "event-type", "nudge")),
]


@pytest.fixture
def catalogue(tmp_path):
    for part in KEPT:
        kept = tmp_path / "catalogue" / part
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "catalogue" / part, kept)
    return tmp_path / "catalogue"


def change(catalogue, old, new, file=NUDGE):
    path = catalogue / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "code", "lines_later"),
    [
        ("owner: council", "owner: hmrc", "agreement_unknown", 0),
        ("purpose: moving", "purpose: driving", "agreement_unknown", None),
        ("type: residence", "type: moon", "event_type_unknown", 0),
        ("roles: [mover]", "roles: [mother]", "role_unknown", 0),
        ("facts.council_changed", "facts.postcode", "fact_unknown", 0),
        ("facts.council_changed", "derived.record.tenure", "fact_unknown", 0),
        ("is: equal, value: true", "is: equal, value: 1", "value_type", 0),
        ("is: equal, value: true", 'is: equal, value: "true"', "value_type", 0),
        ("is: equal, value: true", "is: one_of, value: true", "value_type", 0),
        ("is: at_least, value: 18", "is: at_least, value: true", "value_type", 0),
        ("is: at_least, value: 18", "is: equal, value: [18]", "value_type", 0),
        ('from: "2026-04-06"', 'from: "2026-04-31"', "date_invalid", 0),
        ('"2026-04-06"}', '"2026-04-06", until: "2026-04-06"}', "window_invalid", 0),
        ('review_by: "2027', 'review_by: "2025', "window_invalid", 0),
        ("fresh_for: 60d", "timing: {after: 60d}\nfresh_for: 60d", "window_invalid", 0),
        ("fresh_for: 60d", "timing: {unless: [a.b.c.v1]}\nfresh_for: 60d", "event_type_unknown", 0),
        (
            "fresh_for: 60d",
            "timing: {unless: [residence.address.moved.v1]}\nfresh_for: 60d",
            "window_invalid",
            0,
        ),
        ("moved on {occurred}", "moved on {nino}", "placeholder_forbidden", 0),
        ("moved on {occurred}", "moved on {deadline}", "placeholder_forbidden", 0),
        ("moved on {occurred}", "moved on {occurred", "placeholder_forbidden", 0),
        ("moved on {occurred}", "moved on {}", "placeholder_forbidden", 0),
        ("link: https://www.gov.uk/", "link: http://www.gov.uk/", "pattern_mismatch", 0),
        ("link: https://www.gov.uk/", "link: https://gov.uk.example/", "pattern_mismatch", 0),
        ('version: "1.0"', "version: 1.0", "type_expected_string", 0),
    ],
)
def test_a_fault_is_named_with_its_place(catalogue, old, new, code, lines_later):
    line = change(catalogue, old, new)

    with pytest.raises(CatalogueInvalid) as raised:
        CatalogueFiles(catalogue)

    found = [(each.code, each.line) for each in raised.value.problems]
    assert code in [each for each, _ in found]
    if lines_later is not None:
        assert (code, line + lines_later) in found
    assert all(NUDGE in each.file and each.column > 0 for each in raised.value.problems)


def test_of_a_death_nobody_is_told_but_whom_the_informant_chose(catalogue):
    death = "civil-registration.death.registered.v1"
    change(catalogue, "event_type: residence.address.moved.v1", f"event_type: {death}")
    only = "facts.council_changed, is: equal, value: true"
    change(catalogue, only, "nation, is: equal, value: W")
    change(catalogue, "roles: [mover]", "roles: [partner]")
    CatalogueFiles(catalogue)

    line = change(catalogue, "roles: [partner]", "roles: [deceased]")

    with pytest.raises(CatalogueInvalid) as raised:
        CatalogueFiles(catalogue)
    assert [(each.code, each.line) for each in raised.value.problems] == [("role_not_chosen", line)]


def test_the_same_id_twice_names_both_places(catalogue):
    shutil.copy(catalogue / NUDGE, catalogue / "nudges/moving/zz-copy.yaml")

    with pytest.raises(CatalogueInvalid) as raised:
        CatalogueFiles(catalogue)

    (problem,) = raised.value.problems
    assert problem.code == "duplicate_id"
    assert "zz-copy.yaml" in str(problem)
    assert re.search(r"council-tax\.yaml:1:\d+", problem.message)


def test_a_message_shows_no_value(catalogue):
    change(catalogue, "owner: council", "owner: qq123456c")

    with pytest.raises(CatalogueInvalid) as raised:
        CatalogueFiles(catalogue)

    assert "qq123456c" not in str(raised.value)


def test_what_was_last_good_stays_in_force(catalogue):
    files = CatalogueFiles(catalogue)
    good = files()

    change(catalogue, "owner: council", "owner: nobody")
    problems = files.reload()

    assert [each.code for each in problems] == ["agreement_unknown"]
    assert files() is good


def test_a_saved_file_is_taken_up_with_a_new_revision(catalogue):
    files = CatalogueFiles(catalogue)
    before = files()

    change(catalogue, "fresh_for: 60d", "fresh_for: 61d")
    problems = files.reload()

    assert problems == []
    assert files().revision != before.revision
    (nudge,) = [
        each
        for each in files().by_type["residence.address.moved.v1"]
        if each.id == "moving.council-tax"
    ]
    assert nudge.fresh_days == 61


def test_a_nudge_may_come_before_the_agreement_it_needs(catalogue):
    files = CatalogueFiles(catalogue)
    agreement = catalogue / "agreements/health.yaml"
    change(catalogue, "owner: council", "owner: nhs")
    assert [each.code for each in files.reload()] == ["agreement_unknown"]

    moving = catalogue / "agreements/moving.yaml"
    body = moving.read_text()
    moving.write_text(body + controller_of(agreement.read_text(), "nhs"))

    assert files.reload() == []


def controller_of(agreement: str, name: str) -> str:
    blocks = re.split(r"(?m)^(?=  - id: )", agreement)
    return next(block for block in blocks if block.startswith(f"  - id: {name}\n"))
