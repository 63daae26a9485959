"""A JSON file is one event, an array or one event a line; what is no event is told by its place."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joinedup.cli.files.entry import Mark
from joinedup.cli.files.json_events import json_entries
from joinedup.cli.files.lines import LONGEST_LINE

EVENTS = st.lists(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text('a"\\[]{},: é', max_size=6),
            lambda inside: st.lists(inside, max_size=3),
            max_leaves=5,
        ),
        max_size=3,
    ),
    max_size=6,
)


def read(text, mark=None):
    body = text if isinstance(text, bytes) else text.encode()
    stream = io.BufferedReader(io.BytesIO(body), buffer_size=16)
    return list(json_entries("f.json", stream, mark or Mark()))


def told(found):
    return [each.fault.code if each.fault else json.loads(each.body) for each in found]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ('{"id": 1}', ["f.json"]),
        ('{"id": 1}\n', ["f.json"]),
        ('\n{\n  "id": 1\n}\n', ["f.json"]),
        ('[{"id": 1}]', ["f.json[1]"]),
        (' [\n{"id": 1}\n,\n{"id": 1}\n]\n', ["f.json[1]", "f.json[2]"]),
        ('{"id": 1}\n{"id": 1}\n', ["f.json:1", "f.json:2"]),
        ('\n{"id": 1}\n\n{"id": 1}', ["f.json:2", "f.json:4"]),
        ('\ufeff{"id": 1}\r\n{"id": 1}\r\n', ["f.json:1", "f.json:2"]),
        ("", []),
        ("\n \n", []),
        ("[]", []),
    ],
)
def test_a_file_is_one_event_or_an_array_or_lines(text, places):
    found = read(text)

    assert [each.place for each in found] == places
    assert told(found) == [{"id": 1}] * len(places)


def test_an_event_over_many_lines_may_have_an_object_alone_on_one():
    text = '{\n"persons": [\n{"role": "mover"}\n]\n}\n'

    assert told(read(text)) == [{"persons": [{"role": "mover"}]}]


def test_an_event_over_many_lines_that_is_broken_is_one_fault_with_its_line():
    (entry,) = read('{\n "id": 1,\n "data": {,}\n}\n')

    assert entry.fault.code == "json_invalid"
    assert entry.fault.detail.startswith("f.json:3:11 ")


def test_lines_of_which_the_first_is_broken_are_still_lines():
    assert told(read('{"id":\n{"id": 2}\n')) == ["json_invalid", {"id": 2}]


@given(EVENTS, st.sampled_from([None, 2]))
def test_an_array_is_read_as_it_was_written(events, indent):
    assert told(read(json.dumps(events, indent=indent))) == events


@given(EVENTS.filter(lambda events: len(events) > 1))
def test_lines_are_read_as_they_were_written(events):
    found = read("\n".join(json.dumps(each, ensure_ascii=False) for each in events))

    assert told(found) == events


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{", "json_invalid"),
        ("7", "json_not_an_event"),
        ("[]", "json_not_an_event"),
        ('{"id": 1} x', "json_trailing"),
        ('{"a": ' + "[" * 5_000, "json_depth"),
        ('{"a": ' + "9" * 5_000 + "}", "json_number"),
        (b'{"a": "\xff"}', "text_encoding"),
        (b'{"a": "\0"}', "text_encoding"),
        ('{"a": "' + "x" * LONGEST_LINE + '"}', "line_too_long"),
    ],
)
def test_a_line_that_is_no_event_spoils_no_other(line, code):
    line = line if isinstance(line, bytes) else line.encode()
    found = read(b'{"id": 1}\n' + line + b'\n{"id": 3}\n')

    assert told(found) == [{"id": 1}, code, {"id": 3}]
    assert "f.json:2" in found[1].fault.detail


@pytest.mark.parametrize(
    ("text", "told_"),
    [
        ('[{"id": 1}, 7, {"id": 3}]', [{"id": 1}, "json_not_an_event", {"id": 3}]),
        ('[{"id": 1}, {"id": 2]', [{"id": 1}, "json_invalid", "json_invalid"]),
        ('[{"id": 1}', [{"id": 1}, "json_invalid"]),
        ('[{"id": 1}, {"id": "', [{"id": 1}, "json_invalid"]),
        ('[{"id": 1}] {"id": 2}', [{"id": 1}, "json_invalid"]),
        ('[{"id": 1}, , {"id": 2}]', [{"id": 1}, "json_invalid"]),
        ('["' + "x" * 400_000 + '", {"id": 2}]', ["json_invalid"]),
    ],
)
def test_an_array_that_breaks_off_says_where(text, told_):
    assert told(read(text)) == told_


@pytest.mark.parametrize(
    "body",
    [
        b'[{"id": 1},\n {"id": 2}, {"id": 3}]',
        b'{"id": 1}\n\n{"id": 2}\nbroken\n{"id": 3}\n',
    ],
)
def test_every_entry_says_where_reading_goes_on_behind_it(body):
    whole = read(body)

    for index, each in enumerate(whole):
        behind = read(body, each.end)
        assert told(behind) == told(whole[index + 1 :])
        assert [each.place for each in behind] == [each.place for each in whole[index + 1 :]]


def test_a_reported_event_is_taken_out_of_its_report():
    lines = [
        {"refused": {"line": 7, "code": "x"}, "event": {"id": 1}},
        {"refused": {"line": 8, "code": "json_invalid"}, "text": '{"id": 2}'},
        {"refused": {"line": 9, "code": "json_invalid"}, "text": '{"id": '},
        {"refused": {"line": 9, "code": "text_encoding"}, "text": '{"id": "\udcff"}'},
    ]
    found = read("\n".join(map(json.dumps, lines)))

    assert told(found) == [{"id": 1}, {"id": 2}, "json_invalid", "text_encoding"]
    assert found[3].raw == b'{"id": "\xff"}'


def test_a_line_is_sent_as_it_was_written():
    text = '{ "id" :1, "id": 1.0e0 }'

    assert read(f"{text}\n{text}\n")[0].body == text.encode()
