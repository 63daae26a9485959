"""An event on its way in: through the real process, to the real log, once."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlsplit

import grpc
import psycopg
import pytest

from joinedup.events.v1 import life_event_record_pb2 as record_pb
from tests.builders import an_event_body
from tests.directed_identity import NOW
from tests.events_service import rows_of
from tests.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

HOLD_SECONDS = 15


def parents(service, *numbers):
    """Two parents, the father's NINO made of the number."""
    body = an_event_body()
    mother = body["data"]["persons"][1]
    for number in numbers:
        nino = {"scheme": "nino", "value": f"QQ{number:06d}A"}
        father = {"role": "father", "identifiers": [nino]}
        body["data"]["persons"] = [body["data"]["persons"][0], mother, father]
    return body["data"]["persons"]


def test_each_concerned_person_gets_a_record_under_their_own_handle(service, log):
    service.identity.known |= {"QQ123456C": "m" * 26, "QQ000001A": "f" * 26}
    body = an_event_body(id="two-parents", data={"persons": parents(service, 1)})

    answer = service.publish(body)

    event_id = answer.json()["event_id"]
    assert (answer.status_code, answer.json()) == (
        202,
        {"event_id": event_id, "status": f"/v1/events/{event_id}", "duplicate": False},
    )
    records = {key.decode(): (message, headers) for key, message, headers in log.events()}
    assert {key: message.role for key, (message, _) in records.items()} == {
        "m" * 26: "mother",
        "f" * 26: "father",
    }
    for key, (message, headers) in records.items():
        assert message.subject == key
        assert message.event_id == event_id == headers["ce_id"].decode()
        assert message.publisher == "gro"
        assert dict(message.facts) == {"multiple_birth": False}
        assert (message.permission_serial, message.derived.age_years) == (7, 32)
        assert dict(message.derived.record) == {"postcode_area": "CF"}
        assert abs(message.recorded_at.ToDatetime(NOW.tzinfo) - service.now()) < timedelta(
            seconds=9
        )


def test_no_name_no_identifier_and_no_other_handle_reaches_the_log(service, log):
    service.identity.known |= {"QQ123456C": "m" * 26, "QQ000001A": "f" * 26}

    service.publish(an_event_body(id="nothing-personal", data={"persons": parents(service, 1)}))

    records = log.new()
    assert len(records) == 2
    for record in records:
        written = record.value + b"".join(value for _, value in record.headers)
        other = b"m" * 26 if record.key == b"f" * 26 else b"f" * 26
        for value in (
            b"Mair",
            b"Bevan",
            b"Ada",
            b"QQ123456C",
            b"QQ000001A",
            b"CF10",
            b"1994",
            other,
        ):
            assert value not in written


def test_the_same_event_is_one_event_however_often_and_however_it_is_written(service, log):
    body = an_event_body(id="again")
    first = service.publish(body)

    again = service.publish(json.dumps(body, indent=4, sort_keys=True).encode())

    assert again.status_code == 202
    assert again.json() == {**first.json(), "duplicate": True}
    assert len(log.events()) == 1


def test_another_publishers_event_of_the_same_id_is_another_event(service):
    scottish = an_event_body("birth-partial-date", id="same-id")

    ours = service.publish(an_event_body(id="same-id"))
    theirs = service.publish(scottish, "nrs")

    assert ours.json()["event_id"] != theirs.json()["event_id"]
    assert theirs.json()["duplicate"] is False


def test_known_and_unknown_people_cannot_be_told_apart(service):
    service.identity.known["QQ123456C"] = "m" * 26
    known = service.publish(an_event_body(id="person-1"))
    del service.identity.known["QQ123456C"]
    unknown = service.publish(an_event_body(id="person-2"))

    def shape(answer):
        headers = {name: value for name, value in answer.headers.items() if name != "date"}
        return answer.status_code, headers, len(answer.content), answer.json().keys()

    assert shape(known) == shape(unknown)


def test_a_correction_points_at_the_publishers_own_earlier_event(service, log):
    first = service.publish(an_event_body(id="entry-1"))

    service.publish(an_event_body("birth-corrected", id="entry-1c", data={"supersedes": "entry-1"}))

    reasons = {record.reason: record for _, record, _ in log.events()}
    corrected = reasons[record_pb.REASON_FORMAL_CORRECTION]
    assert corrected.supersedes == first.json()["event_id"]
    assert service.identity.asked[-1].supersedes == first.json()["event_id"]


def test_an_event_in_progress_is_not_admitted_twice(service, log):
    service.identity.held = threading.Event()
    body = an_event_body(id="busy")
    with ThreadPoolExecutor() as pool:
        first = pool.submit(service.publish, body)
        asked = len(service.identity.asked)
        eventually(lambda: len(service.identity.asked) > asked or first.done())

        second = service.publish(body)
        service.identity.held.set()
        service.identity.held = None

    assert (second.status_code, second.json()["code"]) == (409, "idempotency_in_progress")
    assert int(second.headers["retry-after"]) >= 1
    assert (first.result().status_code, first.result().json()["duplicate"]) == (202, False)
    assert service.publish(body).json()["duplicate"] is True
    assert len(log.events()) == 1


def test_many_at_once_are_admitted_once(service, log):
    body = an_event_body(id="crowd")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: service.publish(body), range(24)))

    fresh = [each for each in answers if each.status_code == 202 and not each.json()["duplicate"]]
    assert len(fresh) == 1
    assert {each.status_code for each in answers} <= {202, 409}
    assert len(log.events()) == 1


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        (grpc.StatusCode.UNAVAILABLE, "store_unavailable", "identity_unavailable"),
        (grpc.StatusCode.UNAVAILABLE, "fence_outstanding", "fence_outstanding"),
        (grpc.StatusCode.INVALID_ARGUMENT, "event_type_unknown", "identity_unavailable"),
    ],
)
def test_what_identity_cannot_answer_now_is_admitted_later(service, log, status, reason, code):
    body = an_event_body(id=f"later-{reason}")
    service.identity.refusals = [(status, reason)]

    refused = service.publish(body)
    written = log.events()
    again = service.publish(body)

    assert (refused.status_code, refused.json()["code"]) == (503, code)
    assert int(refused.headers["retry-after"]) >= 1
    assert written == []
    assert (again.status_code, again.json()["duplicate"]) == (202, False)
    assert len(log.events()) == 1


def test_a_question_identity_refuses_is_our_fault_and_says_nothing(service, log):
    service.identity.refusals = [(grpc.StatusCode.INVALID_ARGUMENT, "field_invalid")]

    refused = service.publish(an_event_body(id="our-fault"))

    assert (refused.status_code, refused.json()["code"]) == (500, "internal")
    assert log.events() == []


def test_an_admission_whose_process_died_is_taken_over_after_its_lease(
    service, log, events_database_url
):
    body = an_event_body(id="half-way")
    service.identity.held = threading.Event()
    with ThreadPoolExecutor() as pool:
        lost = pool.submit(service.publish, body)
        asked = len(service.identity.asked)
        eventually(lambda: len(service.identity.asked) > asked or lost.done())
        service.kill()
        service.identity.held.set()
        service.identity.held = None
        assert lost.exception() is not None
    service.start()

    early = service.publish(body)
    move = "UPDATE admissions SET claimed_at = claimed_at - interval '{}' WHERE id = 'half-way'"
    with psycopg.connect(events_database_url) as connection:
        connection.execute(move.format("31 s"))
    late = service.publish(body)

    assert (early.status_code, early.json()["code"]) == (409, "idempotency_in_progress")
    assert (late.status_code, late.json()["duplicate"]) == (202, False)
    ((_, record, _),) = log.events()
    query = "SELECT received_at, claimed_at FROM admissions WHERE id = 'half-way'"
    ((received_at, _),) = rows_of(events_database_url, query)
    assert record.recorded_at.ToDatetime(NOW.tzinfo) == received_at
    assert service.now() - received_at > timedelta(seconds=1)


def test_without_its_store_nothing_is_admitted(service, log, events_database_url, postgres_url):
    name = urlsplit(events_database_url).path.removeprefix("/")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        refused = [service.publish(an_event_body(id=f"no-store-{n}")) for n in range(3)]
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')

    assert {(each.status_code, each.json()["code"]) for each in refused} == {
        (503, "store_unavailable")
    }
    assert log.events() == []
    answers = [service.publish(an_event_body(id="no-store-0")) for _ in range(20)]
    assert 202 in {each.status_code for each in answers}


def test_the_publishers_trace_goes_on_to_identity_and_to_the_log(service, log, events_database_url):
    trace_id = "0af7651916cd43dd8448eb211c80319c"

    service.publish(an_event_body(id="traced"), traceparent=f"00-{trace_id}-b7ad6b7169203331-01")

    ((_, _, headers),) = log.events()
    kept = "SELECT traceparent FROM admissions WHERE id = 'traced'"
    assert trace_id in headers["traceparent"].decode()
    assert trace_id in service.identity.traceparents[-1]
    assert trace_id in rows_of(events_database_url, kept)[0][0]


def test_identity_is_asked_about_everybody_with_all_facts(service):
    service.publish(an_event_body("driving-licence-renewed", id="asked"), "dvla")

    asked = service.identity.asked[-1]
    (driver,) = asked.persons
    assert (asked.type, asked.publisher, asked.nation) == (
        "driving.licence.renewed.v1",
        "dvla",
        "W",
    )
    assert [(each.scheme, each.value) for each in driver.identifiers] == [
        ("driver-number", "PARRY503146OL9AB")
    ]
    assert (list(driver.name.given), driver.name.family) == (["Owen", "Lloyd"], "Parry")
    assert dict(asked.facts) == {"renewal": "age", "valid_until": "2029-11-15"}


def test_what_is_only_for_the_personal_record_stays_off_the_log(service, log):
    service.publish(an_event_body("driving-licence-renewed", id="minimised"), "dvla")

    ((_, record, _),) = log.events()
    assert dict(record.facts) == {"renewal": "age"}


def test_nothing_personal_was_written_to_the_log_file(service):
    text = service.log_text()

    for value in ("QQ123456C", "Mair", "Bevan", "CF10", "1994-02-03", "eyJ", "m" * 26):
        assert value not in text
