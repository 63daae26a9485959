"""A catalogue is whole or not there; what was good stays in force."""

import json

import pytest

from services.kit.catalogue import Catalogue, CatalogueInvalid, load_file

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id"],
    "properties": {"id": {"type": "string"}, "grams": {"type": "integer"}},
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "loaves" / "white").mkdir(parents=True)
    (tmp_path / "loaves" / "rye.yaml").write_text("id: rye\ngrams: 900\n")
    (tmp_path / "loaves" / "white" / "tin.yaml").write_text("id: tin\n")
    (tmp_path / "loaves" / "notes.txt").write_text("not read")
    (tmp_path / "loaf.schema.json").write_text(json.dumps(SCHEMA))
    return tmp_path


def build(documents):
    seen: dict[str, str] = {}
    for document in documents:
        name = document.data["id"]
        if name in seen:
            raise CatalogueInvalid(
                [document.problem("/id", "duplicate_id", f"also at {seen[name]}")]
            )
        seen[name] = document.where("/id")
    return sorted(seen)


def opened(folder):
    return Catalogue(folder / "loaves", folder / "loaf.schema.json", build)


def test_all_files_below_the_folder_are_built_into_one_model(folder):
    assert opened(folder).current == ["rye", "tin"]


def test_the_revision_follows_the_content(folder):
    first = opened(folder).revision
    again = opened(folder).revision
    (folder / "loaves" / "rye.yaml").write_text("id: rye\ngrams: 901\n")

    assert first == again
    assert len(first) == 12
    assert opened(folder).revision != first


def test_the_revision_follows_names_and_schema_too(folder):
    first = opened(folder).revision
    (folder / "loaves" / "rye.yaml").rename(folder / "loaves" / "dark.yaml")
    renamed = opened(folder).revision
    (folder / "loaf.schema.json").write_text(json.dumps({**SCHEMA, "title": "A loaf"}))

    assert len({first, renamed, opened(folder).revision}) == 3


def test_every_problem_of_every_file_is_told_with_its_place(folder):
    rye = folder / "loaves" / "rye.yaml"
    rye.write_text("id: rye\ngrams: SECRET\nflour: x\n")
    tin = folder / "loaves" / "white" / "tin.yaml"
    tin.write_text("grams: 1\n")

    with pytest.raises(CatalogueInvalid) as raised:
        opened(folder)

    assert [(str(each).split(": ")[0], each.code) for each in raised.value.problems] == [
        (f"{rye}:3:1", "field_unknown"),
        (f"{rye}:2:1", "type_expected_integer"),
        (f"{tin}:1:1", "field_required"),
    ]
    assert "SECRET" not in str(raised.value)


def test_what_was_good_stays_in_force(folder):
    catalogue = opened(folder)
    before = catalogue.revision
    (folder / "loaves" / "rye.yaml").write_text("id: [\n")

    problems = catalogue.reload()

    assert [each.code for each in problems] == ["yaml_invalid"]
    assert (catalogue.current, catalogue.revision) == (["rye", "tin"], before)


def test_a_rule_beyond_the_schema_names_both_places(folder):
    catalogue = opened(folder)
    other = folder / "loaves" / "white" / "tin.yaml"
    other.write_text("grams: 3\nid: rye\n")

    (problem,) = catalogue.reload()

    assert str(problem).startswith(f"{other}:2:1: duplicate_id: also at ")
    assert str(problem).endswith("rye.yaml:1:1")


def test_a_good_change_comes_into_force(folder):
    catalogue = opened(folder)
    (folder / "loaves" / "oat.yaml").write_text("id: oat\n")

    assert catalogue.reload() == []
    assert catalogue.current == ["oat", "rye", "tin"]


def test_one_file_is_checked_alone(folder):
    document = load_file(folder / "loaves" / "rye.yaml", SCHEMA)

    assert document.data == {"id": "rye", "grams": 900}
