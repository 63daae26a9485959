"""A typed event means what its JSON form means: the same digest, or the same refusal."""

import json
import math
from pathlib import Path

import pytest
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from hypothesis import given
from hypothesis import strategies as st

from joinedup.events.v1 import life_event_record_pb2 as record_pb
from joinedup.events.v1 import life_events_pb2 as pb
from services.events.domain import strict_json
from services.events.domain.admission import digest_of
from services.events.domain.errors import BodyMalformed, EventInvalid, TooLarge
from services.events.wire_publishing import body_of, json_form
from tests.laws import law
from tests.typed_event import typed

EXAMPLES = sorted((Path(__file__).parents[3] / "protos" / "examples" / "events").glob("*.json"))

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
# Whole numbers up to 2**53 and reals that are not whole have one writing in both forms.
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: not number.is_integer()
)
FACTS = st.dictionaries(
    TEXTS,
    st.recursive(
        st.none() | st.booleans() | NUMBERS | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


def refused(event):
    answer = json_form(event)
    assert not isinstance(answer, dict), answer
    return answer


def told_by(event):
    answer = json_form(event)
    assert isinstance(answer, dict), answer
    return answer


def data_of(event):
    return told_by(event)["data"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_golden_event_has_the_digest_of_its_json(path):
    told = strict_json.read(path.read_bytes())

    form = told_by(typed(told))

    assert form == {name: each for name, each in told.items() if name != "datacontenttype"}
    assert digest_of(form) == digest_of(told)


@law
@given(FACTS)
def test_facts_of_any_shape_mean_what_they_mean_in_json(facts):
    told = {"specversion": "1.0", "data": {"facts": facts}}

    form = told_by(typed(told))

    assert digest_of(form) == digest_of(json.loads(json.dumps(told)))


def test_what_is_not_set_is_not_there():
    assert json_form(pb.LifeEvent()) == {"specversion": "1.0", "data": {}}
    assert json_form(pb.LifeEvent(id="", sequence=0)) == {
        "specversion": "1.0",
        "id": "",
        "data": {"sequence": 0},
    }
    assert data_of(pb.LifeEvent(reason=record_pb.REASON_UNSPECIFIED)) == {}
    assert data_of(pb.LifeEvent(facts=Struct())) == {"facts": {}}
    nameless = pb.LifeEvent(persons=[pb.EventPerson(name=pb.EventName())])
    assert data_of(nameless) == {"persons": [{"name": {}}]}


def test_every_field_of_an_event_has_its_place():
    event = pb.LifeEvent(
        id="i",
        source="s",
        type="t",
        time="w",
        occurred="o",
        registered_at="r",
        nation="n",
        reason=record_pb.REASON_FORMAL_CORRECTION,
        supersedes="u",
        sequence=2**40,
    )

    assert told_by(event) == {
        "specversion": "1.0",
        "id": "i",
        "source": "s",
        "type": "t",
        "time": "w",
        "data": {
            "occurred": "o",
            "registered_at": "r",
            "nation": "n",
            "reason": "formal_correction",
            "supersedes": "u",
            "sequence": 2**40,
        },
    }


def test_every_field_of_a_person_has_its_place():
    person = pb.EventPerson(
        role="mother",
        identifiers=[pb.EventIdentifier(scheme="nino", value="v")],
        name=pb.EventName(given=["a", "b"], family="f"),
        birth_date="b",
        postcode="p",
        sex="F",
        other_names=[pb.EventOtherName(kind="birth", given=["a"], family="g")],
    )

    assert data_of(pb.LifeEvent(persons=[person]))["persons"] == [
        {
            "role": "mother",
            "identifiers": [{"scheme": "nino", "value": "v"}],
            "name": {"given": ["a", "b"], "family": "f"},
            "birth_date": "b",
            "postcode": "p",
            "sex": "F",
            "other_names": [{"kind": "birth", "given": ["a"], "family": "g"}],
        }
    ]


def test_a_number_that_is_no_reason_is_named():
    event = pb.LifeEvent.FromString(b"\x40\x4d")  # field 8, 77

    (fault,) = refused(event).faults

    assert (fault.pointer, fault.code) == ("/data/reason", "enum_unknown")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_has_not_is_refused(number):
    facts = Struct(fields={"a": Value(number_value=number)})

    assert refused(pb.LifeEvent(facts=facts)).reason == "json_number"


@pytest.mark.parametrize("number", [1e300, -(2.0**63), 2.0**63, 0.5, -0.0])
def test_a_large_number_is_the_one_that_json_reads(number):
    written = json.dumps(int(number) if number.is_integer() and abs(number) < 2**62 else number)
    facts = Struct(fields={"a": Value(number_value=number)})

    read = data_of(pb.LifeEvent(facts=facts))["facts"]["a"]

    assert read == json.loads(written) == number


def nested(levels):
    value = Value(number_value=0)
    for _ in range(levels):
        value = Value(list_value=ListValue(values=[value]))
    return pb.LifeEvent(facts=Struct(fields={"a": value}))


def test_facts_are_as_deep_as_json_may_be():
    deepest = strict_json.MAX_DEPTH - 3

    assert strict_json.read(json.dumps(told_by(nested(deepest))).encode())
    assert refused(nested(deepest + 1)).reason == "json_depth"


@pytest.mark.parametrize(
    "event",
    [
        pb.LifeEvent(id="a\x00"),
        pb.LifeEvent(persons=[pb.EventPerson(name=pb.EventName(given=["\x00"]))]),
        pb.LifeEvent(facts=Struct(fields={"\x00": Value()})),
        pb.LifeEvent(facts=Struct(fields={"a": Value(string_value="\x00")})),
    ],
)
def test_a_nul_is_refused_wherever_it_stands(event):
    assert refused(event).reason == "text_encoding"


def test_a_field_that_is_not_known_here_is_not_dropped():
    unknown = b"\xf8\x07\x01"  # field 127, a number
    person = pb.EventPerson.FromString(pb.EventPerson(role="a").SerializeToString() + unknown)

    answer = refused(pb.LifeEvent(persons=[pb.EventPerson(role="b"), person]))

    assert isinstance(answer, EventInvalid)
    assert [(fault.pointer, fault.code) for fault in answer.faults] == [
        ("/data/persons/1", "field_unknown")
    ]


def test_an_event_of_more_than_64_kib_is_too_large():
    assert isinstance(refused(pb.LifeEvent(id="x" * 65_536)), TooLarge)
    assert told_by(pb.LifeEvent(id="x" * 65_000))


def test_a_request_without_an_event_says_so():
    answer = body_of(pb.PublishRequest())

    assert isinstance(answer, BodyMalformed)
    assert answer.reason == "oneof_required"


def test_json_is_handed_on_byte_for_byte():
    assert body_of(pb.PublishRequest(cloud_event_json=b" {")) == b" {"
    assert body_of(pb.PublishStreamRequest(cloud_event_json=b"")) == b""
