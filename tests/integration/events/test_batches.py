"""Many events in one request, and events whose attributes are headers: each has its own answer."""

import grpc
import pytest

from services.events.entrypoints.cloudevents_http import MAX_BATCH
from tests.builders import an_event_body
from tests.events_service import rows_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

ADMITTED = "SELECT id, state FROM admissions WHERE id LIKE %(like)s ORDER BY id"


def births(name, count):
    return [an_event_body(id=f"{name}-{number:03d}") for number in range(count)]


def test_every_event_of_a_batch_is_answered_in_its_place(service, log):
    events = births("placed", 3)

    answer = service.publish_batch(events)

    assert answer.status_code == 207
    told = answer.json()
    assert (told["accepted"], told["refused"]) == (3, 0)
    assert [each["index"] for each in told["results"]] == [0, 1, 2]
    receipts = [each["receipt"] for each in told["results"]]
    assert all(each["http_status"] == 202 for each in told["results"])
    assert receipts == [{**service.publish(event).json(), "duplicate": False} for event in events]
    assert {message.event_id for _, message, _ in log.events()} == {
        each["event_id"] for each in receipts
    }


def test_the_good_ones_come_in_once_whatever_the_others_are(service, log, events_database_url):
    good, bad = births("mixed", 2)
    bad["data"]["nation"] = "France"
    foreign = an_event_body(id="mixed-foreign", source="urn:uk:register:drivers")
    broken = b'{"id": "mixed-broken", "id": "twice"}'

    first = service.publish_batch([good, bad, foreign, broken, b"17", good])
    again = service.publish_batch([good, bad, foreign, broken, b"17", good])

    def told(answer):
        return [
            (each["http_status"], each.get("problem", each.get("receipt"))["code"])
            if "problem" in each
            else (each["http_status"], each["receipt"]["duplicate"])
            for each in answer.json()["results"]
        ]

    refusals = [
        (422, "value_not_allowed"),
        (403, "scope_denied"),
        (400, "json_duplicate_key"),
        (422, "type_wrong"),
    ]
    assert told(first) == [(202, False), *refusals, (202, True)]
    assert told(again) == [(202, True), *refusals, (202, True)]
    assert first.json()["results"][1]["problem"]["errors"][0]["pointer"] == "/data/nation"
    assert rows_of(events_database_url, ADMITTED, like="mixed-%") == [("mixed-000", "done")]
    assert len(log.events()) == 1
    assert "France" not in first.text


def test_a_token_is_good_for_one_batch(service, log, events_database_url):
    header = {"authorization": f"Bearer {service.token()}"}

    assert service.publish_batch(births("spent", 1), **header).status_code == 207
    refused = service.publish_batch(births("spent-again", 2), **header)

    assert (refused.status_code, refused.json()["code"]) == (401, "assertion_replayed")
    assert rows_of(events_database_url, ADMITTED, like="spent-again%") == []


def test_the_largest_batch_comes_in_whole(service, log):
    answer = service.publish_batch(births("largest", MAX_BATCH))

    assert answer.json()["accepted"] == MAX_BATCH
    assert len({message.event_id for _, message, _ in log.events()}) == MAX_BATCH


def test_a_batch_of_long_events_comes_in_whole(service, log):
    long = {"given": ["Ada"] * 20, "family": "B" * 190}
    events = births("long", 120)
    for event in events:
        mother = event["data"]["persons"][1]
        mother["other_names"] = [{"kind": "previous", **long} for _ in range(10)]

    answer = service.publish_batch(events)

    assert answer.json()["accepted"] == 120
    assert len(log.events()) == 120


def test_an_empty_batch_has_no_results(service, log):
    answer = service.publish_batch([])

    assert (answer.status_code, answer.json()) == (
        207,
        {"accepted": 0, "refused": 0, "results": []},
    )


def test_what_identity_cannot_answer_now_may_be_sent_again_and_the_rest_is_in(service, log):
    service.identity.refusals.append((grpc.StatusCode.UNAVAILABLE, "store_unavailable"))

    first = service.publish_batch(births("partly", 3)).json()["results"]
    second = service.publish_batch(births("partly", 3)).json()["results"]

    assert [each["http_status"] for each in first] == [503, 202, 202]
    assert first[0]["problem"]["code"] == "identity_unavailable"
    assert first[0]["retry_after_seconds"] > 0
    assert [each["receipt"]["duplicate"] for each in second] == [False, True, True]
    assert len(log.events()) == 3


def test_binary_mode_is_the_same_event(service, log):
    event = an_event_body(id="binary é 100%")

    binary = service.publish_binary(event)
    structured = service.publish(event)

    assert (binary.status_code, structured.status_code) == (202, 202)
    assert structured.json() == {**binary.json(), "duplicate": True}


def test_binary_mode_names_the_same_faults(service, log):
    event = an_event_body(id="binary-bad", time="2026-11-20T10:03:00")
    event["data"]["nation"] = "France"

    binary, structured = service.publish_binary(event), service.publish(event)

    assert binary.status_code == structured.status_code == 422
    assert binary.json()["errors"] == structured.json()["errors"]
    assert {each["pointer"] for each in binary.json()["errors"]} == {"/time", "/data/nation"}
