"""An event on its way to identity, and onto the log."""

from datetime import UTC, datetime

import pytest

from joinedup.events.v1 import life_event_record_pb2 as record_pb
from joinedup.identity.v1 import subjects_pb2 as subjects_pb
from services.events import wire
from services.events.domain.life_event import Entry, Reason, Resolution, Standing, read_life_event
from tests.builders import an_event_body

RECORDED_AT = datetime(2026, 11, 23, 10, 0, 0, 250_000, tzinfo=UTC)
HANDLE, ROOT = "h" * 26, "r" * 26


def a_resolve_response(**changed):
    person = subjects_pb.ResolvedPerson(role="mother", subject=HANDLE, permission_serial=7)
    return subjects_pb.ResolveResponse(**{"persons": [person], "case_id": "c" * 26} | changed)


def the_record(body, resolution=None):
    entry = Entry(
        event=read_life_event(body, "gro"),
        facts=body["data"]["facts"],
        resolution=resolution or wire.resolution(a_resolve_response()),
        recorded_at=RECORDED_AT,
        traceparent="",
    )
    ((subject, encoded),) = wire.records(entry)
    assert subject == HANDLE
    return record_pb.LifeEventRecord.FromString(encoded.value)


def test_the_three_times_of_a_fact_reach_the_log_as_they_were_told():
    body = an_event_body(
        time="2026-11-22T08:00:00Z",
        data={"occurred": "2026-11", "registered_at": "2026-11-20T11:30:00+01:00"},
    )

    record = the_record(body)

    assert record.occurred == "2026-11"
    assert record.registered_at.ToDatetime(UTC) == datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
    assert record.recorded_at.ToDatetime(UTC) == RECORDED_AT


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_number_and_a_later_statement_names_what_it_replaces(reason):
    later = {} if reason is Reason.REGISTERED else {"supersedes": "GRO-2026-0001234"}
    body = an_event_body(id="GRO-1", data={"reason": reason, "sequence": 4, **later})

    record = the_record(body)

    assert record.reason == record_pb.Reason.Value(f"REASON_{reason.name}")
    assert record.sequence == 4
    first = read_life_event(an_event_body(), "gro").event_id
    assert record.supersedes == (first if later else "")


@pytest.mark.parametrize("standing", Standing)
def test_the_record_says_whose_prompts_it_counts_with_and_whether_it_still_stands(standing):
    answer = a_resolve_response(root_event_id=ROOT, standing=standing)

    record = the_record(an_event_body(), wire.resolution(answer))

    assert record.root_event_id == ROOT
    assert record.standing == record_pb.Standing.Value(f"STANDING_{standing.name}")


def test_an_answer_that_names_no_standing_is_in_force():
    assert wire.resolution(a_resolve_response()) == Resolution(
        wire.resolution(a_resolve_response()).persons, "c" * 26, "", Standing.IN_FORCE
    )


def test_every_name_of_a_person_reaches_identity_and_none_the_log():
    body = an_event_body()
    body["data"]["persons"][1]["other_names"] = [
        {"kind": "birth", "given": ["Mair", "Eluned"], "family": "Parry"},
        {"kind": "known_as", "given": ["Mari"]},
    ]

    request = wire.resolve_request(read_life_event(body, "gro"))

    (mother,) = [each for each in request.persons if each.role == "mother"]
    told = [(each.kind, list(each.name.given), each.name.family) for each in mother.other_names]
    assert told == [("birth", ["Mair", "Eluned"], "Parry"), ("known_as", ["Mari"], "")]
    assert b"Parry" not in the_record(body).SerializeToString()
