"""JSON is read as json.loads reads it, or refused by one error alone."""

import json
import math
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.events.domain import strict_json
from services.events.domain.errors import BodyMalformed, TooLarge
from tests.laws import law

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=15,
)


def refusal(body: bytes) -> tuple[str, int | None]:
    with pytest.raises(BodyMalformed) as refused:
        strict_json.read(body)
    return refused.value.reason, refused.value.offset


@law
@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_what_json_writes_is_read_as_json_reads_it(value, ascii_only, indent):
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()

    read = strict_json.read(text)

    assert json.dumps(read) == json.dumps(json.loads(text))


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
@example(b'"' + b"\\" * 9)
@example(b"[" * 60_000)
@example(b"9" * 60_000)
def test_anything_else_is_refused_by_one_error_alone(body):
    try:
        read = strict_json.read(body)
    except BodyMalformed:
        return
    assert read == json.loads(body)


@given(st.text('[]{}",:1 \\ntrue', max_size=60))
def test_brackets_and_quotes_in_any_order_are_read_as_json_or_refused(text):
    try:
        read = strict_json.read(text.encode())
    except BodyMalformed:
        return
    assert read == json.loads(text)


@pytest.mark.parametrize(
    ("body", "code", "offset"),
    [
        (b"", "body_empty", None),
        (b" \n\t\r", "body_empty", None),
        (b'{"a": 1,}', "json_invalid", 8),
        ('{"é": nul}'.encode(), "json_invalid", 7),
        (b"\xef\xbb\xbf{}", "json_invalid", 0),
        (b'{"a": 1} x', "json_trailing", 9),
        (b'{"a": 1}{"a": 1}', "json_trailing", 8),
        (b'{"a": 1, "b": {"c": 1, "c": 1}}', "json_duplicate_key", None),
        (b'{"a": 1, "\\u0061": 1}', "json_duplicate_key", None),
        (b'{"a": NaN}', "json_number", None),
        (b'{"a": -Infinity}', "json_number", None),
        (b'{"a": 1e999}', "json_number", None),
        (b'{"a": 9223372036854775808}', "json_number", None),
        (b'{"a": ' + b"1" * 5000 + b"}", "json_number", None),
        (b'{"a": "\xff"}', "text_encoding", 7),
        (b'{"a": "\xc0\xaf"}', "text_encoding", 7),
        (b'{"a": "\x00"}', "text_encoding", 7),
        (b'{"a": "\\u0000"}', "text_encoding", None),
        (b'{"a": "\\ud800"}', "text_encoding", None),
        (b'{"a\\udfff": 1}', "text_encoding", None),
        (b'{"a": "\xed\xa0\x80"}', "text_encoding", 7),
    ],
)
def test_each_kind_of_fault_has_its_code(body, code, offset):
    assert refusal(body) == (code, offset)


def test_sixteen_levels_are_read_and_seventeen_are_not():
    assert strict_json.read(b"[" * 16 + b"]" * 16)

    assert refusal(b"[" * 17 + b"]" * 17) == ("json_depth", 16)


def test_brackets_inside_texts_do_not_count():
    assert strict_json.read(b'["' + b"[" * 100 + b'", "\\"[[[[[[[[[[[[[[[[[[[["]')


def test_a_body_of_brackets_is_refused_without_recursion_and_at_once():
    started = time.perf_counter()

    assert refusal(b'{"a":' * 10_000) == ("json_depth", 80)

    assert time.perf_counter() - started < 1


def test_a_pair_of_surrogates_is_one_character():
    assert strict_json.read(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_the_extremes_of_sixty_four_bits_are_read():
    assert strict_json.read(b"[-9223372036854775808, 9223372036854775807]") == [-(2**63), 2**63 - 1]
    assert math.copysign(1, strict_json.read(b"-0.0")) == -1


@law
@given(st.lists(VALUES, max_size=5), st.sampled_from([None, 1]))
def test_the_items_of_a_list_are_told_apart(values, indent):
    texts = strict_json.items(json.dumps(values, indent=indent).encode(), most=5)

    assert [json.dumps(strict_json.read(each)) for each in texts] == [
        json.dumps(each) for each in values
    ]


@pytest.mark.parametrize(
    ("body", "code", "offset"),
    [
        (b"", "body_empty", None),
        (b" \n", "body_empty", None),
        (b' {"id": "a"}', "batch_not_a_list", 1),
        (b"[1", "json_invalid", 2),
        (b'["1]', "json_invalid", 4),
        (b"[1,]", "json_invalid", 3),
        (b"[,1]", "json_invalid", 1),
        (b"[1}", "json_invalid", 2),
        (b"[1] 2", "json_trailing", 3),
        (b"[" * 10_000, "json_invalid", 10_000),
    ],
)
def test_a_batch_that_is_no_list_says_where(body, code, offset):
    with pytest.raises(BodyMalformed) as refused:
        strict_json.items(body, most=5)

    assert (refused.value.reason, refused.value.offset) == (code, offset)


def test_a_batch_is_counted_before_it_is_read():
    assert len(strict_json.items(b"[1,2,3]", most=3)) == 3
    with pytest.raises(TooLarge) as refused:
        strict_json.items(b"[1,2,3,", most=2)

    assert refused.value.reason == "batch_too_long"
