"""Only the safe core of YAML is read, and every fault has its line."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.yaml_file import CatalogueInvalid, read_yaml


@pytest.fixture
def write(tmp_path):
    def write_file(text):
        path = tmp_path / "file.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write_file


def fault(path):
    with pytest.raises(CatalogueInvalid) as raised:
        read_yaml(path)
    (problem,) = raised.value.problems
    return problem.code, problem.line, problem.column


def test_plain_data_is_read_as_yaml_1_2_says(write):
    document = read_yaml(
        write(
            "text: no\nday: 2026-04-06\nflags: [true, False, null, ~, ]\n"
            "numbers: [0, -12, 1.5, 1e3, 0x10, 010, 1_000, .5]\n"
            'quoted: "12"\nblock: |\n  two\n  lines\nempty:\nnested: {a: [{b: 1}]}\n'
        )
    )

    assert document.data == {
        "text": "no",
        "day": "2026-04-06",
        "flags": [True, False, None, None],
        "numbers": [0, -12, 1.5, 1000.0, "0x10", "010", "1_000", ".5"],
        "quoted": "12",
        "block": "two\nlines\n",
        "empty": None,
        "nested": {"a": [{"b": 1}]},
    }


def test_keys_are_always_text(write):
    assert read_yaml(write("1: a\ntrue: b\n2026-01-01: c\n<<: d\n")).data == {
        "1": "a",
        "true": "b",
        "2026-01-01": "c",
        "<<": "d",
    }


def test_every_part_knows_where_it_stands(write):
    path = write("a:\n  b: 1\n  c/d:\n    - x\n    - {e: 2}\n")
    document = read_yaml(path)

    assert document.where() == f"{path}:1:1"
    assert document.where("/a/b") == f"{path}:2:3"
    assert document.where("/a/c~1d/1") == f"{path}:5:7"
    assert document.where("/a/c~1d/1/e") == f"{path}:5:8"
    assert document.where("/a/b/not/there") == f"{path}:2:3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: !!python/object:os.system x\n", ("tag_forbidden", 1, 4)),
        ("a: !!str 1\n", ("tag_forbidden", 1, 4)),
        ("a:\n  - !x {b: 1}\n", ("tag_forbidden", 2, 5)),
        ("a: &lol [x]\nb: *lol\n", ("aliases_forbidden", 1, 4)),
        ("a: [1]\nb: *lol\n", ("aliases_forbidden", 2, 4)),
        ("a: 1\nb:\n  c: 1\n  c: 2\n", ("duplicate_key", 4, 3)),
        ("a:\n\t- b\n", ("yaml_invalid", 2, 1)),
        ("a: [1,\n", ("yaml_invalid", 2, 1)),
        ("a: b: c\n", ("yaml_invalid", 1, 5)),
        ("? [a]\n: 1\n", ("key_not_text", 1, 3)),
        ("a: 1\n---\nb: 2\n", ("one_document", 3, 1)),
        ("a: 1e999\n", ("number_not_finite", 1, 4)),
        ("", ("file_empty", 1, 1)),
        ("# only a comment\n", ("file_empty", 1, 1)),
        (b"a: \xff\n", ("text_encoding", 1, 1)),
        (b"a: \x00\n", ("yaml_invalid", 1, 1)),
        ("[" * 13 + "]" * 13, ("too_deep", 1, 13)),
        ("a: " + "x" * 256 * 1024, ("file_too_large", 1, 1)),
    ],
)
def test_what_is_not_allowed_is_named_with_its_line(write, text, expected):
    assert fault(write(text)) == expected


def test_a_file_that_is_not_there_is_a_problem_like_any_other(tmp_path):
    assert fault(tmp_path / "none.yaml") == ("file_unreadable", 1, 1)


def test_twelve_levels_are_enough_for_anybody(write):
    assert read_yaml(write("[" * 12 + "]" * 12)).data


def test_a_problem_reads_as_a_compilers_line(write):
    path = write("a: 1\na: secret\n")

    with pytest.raises(CatalogueInvalid) as raised:
        read_yaml(path)

    assert str(raised.value) == f"{path}:2:1: duplicate_key: the same key stands here twice"


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(tmp_path_factory, raw):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(raw)

    with contextlib.suppress(CatalogueInvalid):
        read_yaml(path)
