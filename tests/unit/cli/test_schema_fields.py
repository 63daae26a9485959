"""The fields of a schema, as people read them."""

import pytest

from joinedup.cli.schema_fields import Field, fields, kind


def test_each_field_comes_before_those_inside_it():
    person = {
        "type": "object",
        "required": ["role"],
        "properties": {"role": {"enum": ["child"]}, "postcode": {"type": "string"}},
    }
    schema = {
        "required": ["persons"],
        "properties": {
            "id": {"type": "string", "description": "the source's own id"},
            "persons": {"type": "array", "items": person},
        },
    }

    assert list(fields(schema)) == [
        Field(("id",), required=False, kind="string", description="the source's own id"),
        Field(("persons[]",), required=True, kind="list", description=""),
        Field(("persons[]", "role"), required=True, kind="one of child", description=""),
        Field(("persons[]", "postcode"), required=False, kind="string", description=""),
    ]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"const": "1.0"}, "always 1.0"),
        ({"enum": ["E", "W"]}, "one of E, W"),
        ({"type": "string", "format": "date-time"}, "string (date-time)"),
        ({"type": "string", "minLength": 1, "maxLength": 128}, "string, at most 128 characters"),
        ({"type": "integer", "minimum": 0, "maximum": 2**53 - 1}, "integer, at least 0"),
        ({"type": "number", "exclusiveMinimum": 0}, "number, more than 0"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 4},
         "list of strings, at most 4 entries"),
        ({"type": "string", "pattern": "^[A-Z]$"}, "string, matches ^[A-Z]$"),
        ({}, "any value"),
    ],
)  # fmt: skip
def test_a_value_is_told_by_what_it_may_be(schema, said):
    assert kind(schema) == said
