"""A schema's complaints have our codes and never the value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.schema_check import Schema, pointer

SECRET = "QQ123456C-is-the-secret"


def complaints(schema, instance):
    return [(each.pointer, each.code) for each in Schema(schema).problems(instance)]


@pytest.mark.parametrize(
    ("schema", "instance", "expected"),
    [
        ({"required": ["a", "b"]}, {}, [("/a", "field_required"), ("/b", "field_required")]),
        ({"additionalProperties": False}, {"x/y": 1}, [("/x~1y", "field_unknown")]),
        (
            {"properties": {"a": {"additionalProperties": False}}},
            {"a": {"y": 1, "x": 2}},
            [("/a/x", "field_unknown"), ("/a/y", "field_unknown")],
        ),
        (
            {"properties": {"a": {}}, "additionalProperties": False},
            {"x": 1},
            [("/x", "field_unknown")],
        ),
        ({"unevaluatedProperties": False}, {"x": 1}, [("/x", "field_unknown")]),
        ({"type": "string"}, 1, [("", "type_expected_string")]),
        ({"type": ["string", "null"]}, 1, [("", "type_expected_null_or_string")]),
        ({"enum": [1]}, 2, [("", "value_not_allowed")]),
        ({"const": 1}, 2, [("", "value_not_allowed")]),
        ({"pattern": "^a$"}, "b", [("", "pattern_mismatch")]),
        ({"minLength": 2}, "b", [("", "text_too_short")]),
        ({"maxLength": 2}, "bbb", [("", "text_too_long")]),
        ({"minimum": 2}, 1, [("", "number_too_small")]),
        ({"exclusiveMaximum": 2}, 2, [("", "number_too_large")]),
        ({"minItems": 1}, [], [("", "list_too_short")]),
        ({"uniqueItems": True}, [1, 1], [("", "list_not_unique")]),
        ({"format": "date"}, "2026-02-30", [("", "format_invalid")]),
        ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, [("", "field_name_invalid")]),
        ({"properties": {"a": False}}, {"a": 1}, [("/a", "field_forbidden")]),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, [("", "value_invalid")]),
        ({"not": {}}, 1, [("", "value_invalid")]),
        ({"type": "object"}, {}, []),
    ],
)
def test_each_keyword_has_its_code(schema, instance, expected):
    assert complaints(schema, instance) == expected


def test_all_faults_are_found_in_a_stable_order():
    schema = {
        "additionalProperties": False,
        "properties": {"list": {"items": {"type": "integer"}}, "name": {"type": "string"}},
        "required": ["name", "day"],
    }

    assert complaints(schema, {"list": [1, "a", 2, "b"], "name": 3, "more": 1}) == [
        ("/day", "field_required"),
        ("/list/1", "type_expected_integer"),
        ("/list/3", "type_expected_integer"),
        ("/more", "field_unknown"),
        ("/name", "type_expected_string"),
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer"},
        {"enum": ["a"]},
        {"const": "a"},
        {"pattern": "^a$"},
        {"maxLength": 1},
        {"format": "date"},
        {"anyOf": [{"type": "null"}, {"maxLength": 1}]},
        {"not": {"type": "string"}},
    ],
)
def test_no_text_shows_the_value(schema):
    (problem,) = Schema({"properties": {"a": schema}}).problems({"a": SECRET})

    assert problem.path == ("a",)
    assert problem.text
    assert SECRET not in repr(problem)


def test_a_text_with_braces_in_the_schema_is_kept():
    (problem,) = Schema({"pattern": "^[0-9]{2}$"}).problems("x")

    assert problem.text == "must match ^[0-9]{2}$"


def test_a_schema_never_fetches_another():
    with pytest.raises(Exception, match=r"(?i)offline|retriev|resol"):
        Schema({"$ref": "http://127.0.0.1:1/other.json"}).problems(1)


@given(st.lists(st.text() | st.integers(0, 9)))
def test_a_pointer_can_be_read_back(path):
    text = pointer(tuple(path))

    parts = [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]
    assert parts == [str(part) for part in path]
