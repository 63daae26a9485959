"""Rows are split as RFC 4180 says; a broken one costs one line and no other row."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joinedup.cli.files.csv_rows import rows, split
from joinedup.cli.files.entry import Mark
from joinedup.cli.files.lines import LONGEST_LINE, Lines

CELL = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=12)


def read(text, width=3):
    body = text if isinstance(text, bytes) else text.encode()
    return list(rows(Lines(io.BytesIO(body), Mark()), width))


def told(found):
    return [each.fault or each.fields for each in found]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("a,b,c", ("a", "b", "c")),
        (",,", ("", "", "")),
        ('"a,b",c', ("a,b", "c")),
        ('"a ""b"" c",""', ('a "b" c', "")),
        ("", ("",)),
        ('""', ("",)),
        ('a,"b\nc"', ("a", "b\nc")),
    ],
)
def test_a_row_is_split_at_its_commas(text, fields):
    assert split(text) == fields


@pytest.mark.parametrize("text", ['"a', '"a"b,c', 'a"b,c', 'a,"', '"""', 'a "b",c'])
def test_a_quote_out_of_place_is_no_row(text):
    assert split(text) is None


@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=5))
def test_what_the_standard_library_writes_is_read_as_it_was(table):
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows(table)

    assert told(read(written.getvalue())) == [tuple(row) for row in table]


@given(st.binary(max_size=400))
def test_whatever_the_bytes_are_there_is_a_row_or_a_fault_for_every_line(body):
    found = read(body)

    assert all(bool(each.fault) != bool(each.fields) for each in found)
    assert [each.number for each in found] == sorted({each.number for each in found})
    assert all(each.end.offset <= len(body) for each in found)


def test_a_quoted_line_break_belongs_to_its_row():
    found = read('1,"a\nb",x\n2,c,y\n')

    assert told(found) == [("1", "a\nb", "x"), ("2", "c", "y")]
    assert [(each.number, each.end.number) for each in found] == [(1, 2), (3, 3)]


@pytest.mark.parametrize(
    "broken",
    ['2,"open,y', '2,"shut"x,y', '2,mid"dle,y', "2,b", "2,b,c,d"],
)
@pytest.mark.parametrize("after", ["3,c,z\n", '3,"c",z\n', '3,"c\nd",z\n', '3,c,"z""z"\n'])
def test_a_broken_row_spoils_no_other(broken, after):
    found = read(f"1,a,x\n{broken}\n{after}4,d,w\n")

    assert [each.fault != "" for each in found] == [False, True, False, False]
    assert found[1].raw == broken.encode()
    assert found[3].fields == ("4", "d", "w")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"2,\xff\xfe,y", "text_encoding"),
        (b"2,a\0b,y", "text_encoding"),
        (b"2,b", "csv_columns"),
        (b'2,"b,y', "csv_quote"),
        (b"2," + b"x" * LONGEST_LINE + b",y", "line_too_long"),
        (b'2,"' + b"x" * LONGEST_LINE + b'",y', "line_too_long"),
    ],
)
def test_what_is_wrong_has_a_code(line, code):
    assert told(read(b"1,a,x\n" + line + b"\n3,c,z\n")) == [
        ("1", "a", "x"),
        code,
        ("3", "c", "z"),
    ]


def test_a_quote_that_is_never_closed_costs_its_line_alone():
    many = "".join(f"{number},b,y\n" for number in range(20_000))
    found = read('0,"open,y\n' + many)

    assert [each.number for each in found if each.fault] == [1]
    assert len(found) == 20_001


def test_a_quoted_field_that_runs_into_an_overlong_line_is_no_row():
    found = read(b'1,"a\n' + b"x" * (LONGEST_LINE + 5) + b'",y\n2,c,z\n')

    assert told(found) == ["csv_quote", "line_too_long", ("2", "c", "z")]


def test_blank_lines_and_both_line_ends_and_a_byte_order_mark_are_no_data():
    found = read(b"\xef\xbb\xbf1,a,x\r\n\r\n2,b,y")

    assert told(found) == [("1", "a", "x"), ("2", "b", "y")]
    assert [each.number for each in found] == [1, 3]


def test_every_row_says_where_reading_goes_on_behind_it():
    body = b'1,a,x\n2,"b\nc",y\r\n3,d,z\n'
    whole = read(body)

    for index, each in enumerate(whole):
        stream = io.BytesIO(body)
        stream.seek(each.end.offset)
        behind = list(rows(Lines(stream, each.end), 3))
        assert behind == whole[index + 1 :]
