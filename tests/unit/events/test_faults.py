"""Faults are told in our own words, at their place, without the value."""

from services.events.domain import texts
from services.events.domain.errors import EventInvalid
from services.events.domain.faults import CODE, Fault, Violation, explain, in_order, pointer

SCHEMA = {
    "properties": {
        "role": {"enum": ["mother", "child"], CODE: "role_unknown"},
        "sex": {"enum": ["F", "M"]},
        "born": {"format": "partial-date"},
    }
}


def explained(keyword, *path, **more):
    schema_path = ("properties", *path, keyword)
    return explain(Violation(keyword, path, schema_path, **more), SCHEMA)


def test_a_node_of_the_schema_may_name_its_code():
    (fault,) = explained("enum", "role", value="QQ123456C")

    assert (fault.pointer, fault.code) == ("/role", "role_unknown")
    assert "mother, child" in fault.detail
    assert "QQ" not in fault.detail


def test_a_keyword_has_a_code_of_its_own():
    assert [fault.code for fault in explained("enum", "sex", value="X")] == ["value_not_allowed"]


def test_a_format_says_what_is_wrong_with_the_value():
    assert [fault.code for fault in explained("format", "born", value="2026-02-30")] == [
        "time_invalid"
    ]


def test_a_missing_field_is_pointed_at_where_it_should_stand():
    (fault,) = explain(Violation("required", ("data",), ("required",), ("occurred",)), SCHEMA)

    assert (fault.pointer, fault.code) == ("/data/occurred", "field_required")


def test_an_unknown_fields_name_is_shown_only_where_it_can_be_one():
    names = ("hospital", "Mair Bevan", "x" * 65, "")
    found = explain(Violation("additionalProperties", ("data",), (), names), SCHEMA)

    assert [fault.pointer for fault in found] == ["/data/hospital", "/data", "/data", "/data"]


def test_a_pointer_escapes_what_it_is_made_of():
    assert pointer(("a/b", "c~d", 0)) == "/a~1b/c~0d/0"


def test_faults_are_told_once_in_order_and_not_without_end():
    many = [Fault(f"/{number:03d}", "type_wrong") for number in range(99, -1, -1)]

    told = in_order([*many, *many])

    assert [fault.pointer for fault in told] == [f"/{number:03d}" for number in range(50)]


def test_an_event_takes_its_faults_code_where_they_share_one():
    one = [Fault("/a", "field_required"), Fault("/b", "field_required")]
    two = [Fault("/a", "field_required"), Fault("/b", "type_wrong")]

    assert EventInvalid(one).reason == "field_required"
    assert EventInvalid(two).reason == "event_invalid"


def test_no_text_has_a_place_for_a_value():
    for text in (*texts.PLACE.values(), *texts.REQUEST.values()):
        assert "{" not in text
        assert "%" not in text
