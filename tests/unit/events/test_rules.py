"""What a schema cannot say about an event and the time."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.events.domain.rules import broken_rules
from tests.builders import an_event_body

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "time", "data", "occurred", "registered_at", "persons", "role", "supersedes"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


def faults(body):
    return {(fault.pointer, fault.code) for fault in broken_rules(body, NOW)}


def test_a_golden_event_breaks_no_rule():
    assert faults(an_event_body()) == set()


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["id", "time", "data"]), ANYTHING))
def test_no_body_is_too_wrong_to_be_judged(body):
    assert all(pointer.startswith("/") for pointer, _ in faults(body))


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (an_event_body(time="2099-01-01T00:00:00Z"), ("/time", "time_future")),
        (an_event_body(time="1850-01-01T00:00:00Z"), ("/time", "time_past")),
        (
            an_event_body(data={"registered_at": "2026-11-23T10:05:01Z"}),
            ("/data/registered_at", "time_future"),
        ),
        (an_event_body(data={"occurred": "1899"}), ("/data/occurred", "time_past")),
        (
            an_event_body(data={"occurred": "2026-11-22"}),
            ("/data/occurred", "occurred_after_registration"),
        ),
        (an_event_body(id="Sia\u0302n"), ("/id", "id_not_nfc")),
        (an_event_body(id="a\u202eb"), ("/id", "text_control_char")),
        (
            an_event_body("birth-corrected", id="GRO-2026-0001234"),
            ("/data/supersedes", "supersedes_itself"),
        ),
    ],
)
def test_each_rule_has_its_code_and_place(body, fault):
    assert faults(body) == {fault}


def test_two_people_in_one_role_are_one_too_many():
    mother = an_event_body()["data"]["persons"][1]

    body = an_event_body(data={"persons": [mother, mother]})

    assert faults(body) == {("/data/persons/1/role", "role_repeated")}


def test_a_birth_date_that_has_not_come_is_named_by_its_person():
    persons = an_event_body()["data"]["persons"]
    persons[1]["birth_date"] = "2027"

    body = an_event_body(data={"persons": persons})

    assert faults(body) == {("/data/persons/1/birth_date", "time_future")}


@pytest.mark.parametrize("occurred", ["2026", "2026-11", "2026-11-20", "2026-11-21"])
def test_what_may_have_happened_by_its_registration_did(occurred):
    assert faults(an_event_body(data={"occurred": occurred})) == set()


@pytest.mark.parametrize("registered_at", ["2026-11-20T10:00:00Z", "2026-11-23T10:05:00Z"])
def test_a_register_may_write_down_late_what_happened_and_never_what_will(registered_at):
    """The three times stand in their order: occurred, registered, recorded (which is now)."""
    assert faults(an_event_body(data={"registered_at": registered_at})) == set()


@pytest.mark.parametrize(
    ("occurred", "found"),
    [
        ("2026-11-21", set()),
        ("2026-11", set()),
        ("2026-11-23", {("/data/occurred", "occurred_after_registration")}),
    ],
)
def test_a_correction_may_move_the_day_up_to_its_own_registration(occurred, found):
    registered_at = "2026-11-21T09:15:00Z"
    data = {"registered_at": registered_at, "occurred": occurred}

    assert faults(an_event_body("birth-corrected", data=data)) == found


def test_a_text_at_any_depth_is_looked_at():
    persons = an_event_body()["data"]["persons"]
    persons[0]["name"]["given"] = ["Ada", "Gwen\u202e"]
    persons[0]["other_names"] = [{"kind": "known_as", "family": "Be\u0000van"}]

    body = an_event_body(data={"persons": persons})

    assert faults(body) == {
        ("/data/persons/0/name/given/1", "text_control_char"),
        ("/data/persons/0/other_names/0/family", "text_control_char"),
    }


def test_a_name_that_the_sender_made_up_is_not_repeated():
    body = an_event_body(data={"Mair Bevan": {"of": "Cardiff\u202e"}, "known_to": "us\u202e"})

    assert faults(body) == {("/data", "text_control_char"), ("/data/known_to", "text_control_char")}
