"""A fault is shown with the line that it is on."""

import json

from hypothesis import given
from hypothesis import strategies as st

from joinedup.cli.json_places import Places
from services.events.domain.faults import pointer

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=20,
)


def paths(value, path=()):
    yield path, value
    names = (
        value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    )
    for name in names:
        yield from paths(value[name], (*path, name))


@given(VALUES, st.booleans())
def test_every_value_is_found_where_it_is_written(value, ascii_only):
    text = json.dumps(value, indent=1, ensure_ascii=ascii_only)
    places, lines = Places(text), text.split("\n")

    for path, each in paths(value):
        line = lines[places.line(pointer(path)) - 1]
        written = json.dumps(each, ensure_ascii=ascii_only).splitlines()[0]
        assert line.strip().startswith(
            json.dumps(path[-1], ensure_ascii=ascii_only) + ": "
            if path and isinstance(path[-1], str)
            else written[:1]
        )


def test_what_is_missing_is_shown_where_it_should_be():
    places = Places('{\n "data": {\n  "persons": [\n   {}\n  ]\n }\n}')

    assert places.line("/data/persons/0/role") == 4
    assert places.line("/data/nation") == 2
    assert places.line("/id") == 1


def test_lines_are_counted_whatever_stands_in_texts():
    places = Places('{"a\\"{": "}\\n",\n\n "b": [1,\n2]}')

    assert places.line('/a"{') == 1
    assert places.line("/b") == 3
    assert places.line("/b/1") == 4
