"""Every way to break a type's schema ends in our own code, at its place, without the value."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.events.adapters.catalogue_files import CatalogueFiles
from services.events.domain import texts
from tests.builders import BIRTH, an_event_body

ROOT = Path(__file__).resolve().parents[3]
REGISTER = CatalogueFiles(ROOT / "catalogue", ROOT / "protos" / "examples", fictitious=True)
MARK = "Zzyzx"
ANYTHING = st.sampled_from(
    [None, True, 7, 7.5, MARK, [], [MARK], {}, {"Zzyzx": MARK}, "", MARK * 60]
)


def type_named(name):
    found = REGISTER.event_type(name)
    assert found is not None
    return found


def faults(body, name=BIRTH):
    found = REGISTER.faults(type_named(name), body)
    return [(fault.pointer, fault.code) for fault in found]


def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for name, each in value.items():
            yield from places(each, (*path, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from places(each, (*path, index))


def replaced(body, path, value):
    body = copy.deepcopy(body)
    at = body
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return body


BODY = an_event_body()
PLACES = [path for path in places(BODY) if path]


@settings(max_examples=150)
@given(st.sampled_from(PLACES), ANYTHING)
def test_any_value_anywhere_is_judged_in_our_own_words(path, value):
    found = REGISTER.faults(type_named(BIRTH), replaced(BODY, path, value))

    for fault in found:
        assert fault.code in texts.PLACE
        assert MARK not in fault.detail
        assert fault.detail.startswith(texts.PLACE[fault.code])


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"specversion": "0.3"}, ("/specversion", "value_not_allowed")),
        ({"id": ""}, ("/id", "text_too_short")),
        ({"id": "x" * 129}, ("/id", "text_too_long")),
        ({"id": 5}, ("/id", "type_wrong")),
        ({"datacontenttype": "text/xml"}, ("/datacontenttype", "value_not_allowed")),
        ({"data": {"nation": "X"}}, ("/data/nation", "value_not_allowed")),
        ({"data": {"reason": "guessed"}}, ("/data/reason", "value_not_allowed")),
        ({"data": {"sequence": -1}}, ("/data/sequence", "number_too_small")),
        ({"data": {"sequence": 2**60}}, ("/data/sequence", "number_too_large")),
        ({"data": {"sequence": 1.5}}, ("/data/sequence", "type_wrong")),
        ({"data": {"occurred": "2026-02-30"}}, ("/data/occurred", "time_invalid")),
        (
            {"data": {"registered_at": "2026-11-20T10:00:00"}},
            ("/data/registered_at", "time_zone_required"),
        ),
        ({"data": {"facts": {}}}, ("/data/facts/multiple_birth", "field_required")),
    ],
)
def test_each_rule_of_the_envelope_has_its_code(changed, fault):
    assert faults(an_event_body(**changed)) == [fault]


@pytest.mark.parametrize(
    ("person", "fault"),
    [
        ({"postcode": "nowhere"}, ("postcode", "format_wrong")),
        ({"sex": "X"}, ("sex", "value_not_allowed")),
        ({"name": {}}, ("name", "object_empty")),
        ({"name": {"family": ""}}, ("name/family", "text_too_short")),
        ({"birth_date": "1994-13"}, ("birth_date", "time_invalid")),
        (
            {"other_names": [{"kind": "birth", "family": "Parry"}] * 11},
            ("other_names", "list_too_long"),
        ),
        ({"other_names": [{"kind": "birth"}]}, ("other_names/0", "name_missing")),
        ({"other_names": [{"family": "Parry"}]}, ("other_names/0/kind", "field_required")),
        (
            {"other_names": [{"kind": "maiden", "family": "Parry"}]},
            ("other_names/0/kind", "value_not_allowed"),
        ),
        (
            {"other_names": [{"kind": "birth", "family": "x" * 201}]},
            ("other_names/0/family", "text_too_long"),
        ),
        (
            {"other_names": [{"kind": "birth", "family": "Parry", "until": "2019"}]},
            ("other_names/0/until", "field_unknown"),
        ),
        ({"identifiers": [{"scheme": "nino"}]}, ("identifiers/0/value", "field_required")),
        (
            {"identifiers": [{"scheme": "nino", "value": "QQ123456E"}]},
            ("identifiers/0/value", "nino_invalid"),
        ),
        (
            {"identifiers": [{"scheme": "nhs-number", "value": "9990123455"}]},
            ("identifiers/0/value", "nhs_number_invalid"),
        ),
        (
            {"identifiers": [{"scheme": "utr", "value": "1234567890"}]},
            ("identifiers/0/scheme", "identifier_not_declared"),
        ),
        (
            {"identifiers": [{"scheme": "passport", "value": "1"}]},
            ("identifiers/0/scheme", "identifier_not_declared"),
        ),
    ],
)
def test_each_rule_about_a_person_has_its_code(person, fault):
    body = an_event_body()
    body["data"]["persons"][1] |= person

    assert faults(body) == [(f"/data/persons/1/{fault[0]}", fault[1])]


def test_a_person_may_have_had_other_names():
    body = an_event_body()
    body["data"]["persons"][1]["other_names"] = [
        {"kind": "birth", "given": ["Mair"], "family": "Parry"},
        {"kind": "previous", "family": "Rees"},
        {"kind": "known_as", "given": ["Mari"]},
    ]

    assert faults(body) == []


def test_people_are_needed_and_not_without_end():
    nobody = an_event_body(data={"persons": []})
    crowd = an_event_body(data={"persons": an_event_body()["data"]["persons"] * 11})

    assert ("/data/persons", "list_too_short") in faults(nobody)
    assert faults(nobody).count(("/data/persons", "role_missing")) == 2
    assert faults(crowd) == [("/data/persons", "list_too_long")]


def test_a_number_is_read_however_it_is_spaced():
    body = an_event_body()
    body["data"]["persons"][1]["identifiers"][0]["value"] = "qq 12 34 56 c"

    assert faults(body) == []


def test_the_schema_is_plain_json():
    for event_type in REGISTER.event_types():
        schema = REGISTER.schema(event_type)

        assert json.loads(json.dumps(schema)) == schema
