"""What a publisher can learn of its own event, and the decisions that move it on."""

import pytest
from kafka import KafkaProducer

from joinedup.nudges.v1 import decision_pb2
from services.kit import codec
from tests.builders import an_event_body
from tests.directed_identity import NOW
from tests.events_service import Log
from tests.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def decisions(service):
    producer = KafkaProducer(bootstrap_servers=service.kafka)
    yield producer
    producer.close()


def decide(producer, event_id, subject):
    message = decision_pb2.Decision(event_id=event_id, subject=subject)
    record = codec.encode(
        message,
        id=event_id,
        type=decision_pb2.Decision.DESCRIPTOR.full_name,
        source="urn:joinedup:nudges",
        time=NOW,
    )
    producer.send("decisions.v1", record.value, subject.encode(), record.headers).get(10)


def test_an_event_is_decided_once_every_person_is(service, decisions):
    service.identity.known |= {"QQ123456C": "m" * 26, "QQ000001A": "f" * 26}
    father = {"role": "father", "identifiers": [{"scheme": "nino", "value": "QQ000001A"}]}
    persons = [*an_event_body()["data"]["persons"], father]
    body = an_event_body(id="followed", data={"persons": persons})
    event_id = service.publish(body).json()["event_id"]
    other = service.publish(an_event_body(id="marker")).json()["event_id"]

    def status(of):
        return service.follow(of).json()["status"]

    assert status(event_id) == "on_the_log"
    decide(decisions, event_id, "m" * 26)
    decide(decisions, event_id, "m" * 26)
    decide(decisions, other, "m" * 26)
    eventually(lambda: status(other) == "decided")
    assert status(event_id) == "on_the_log"
    decide(decisions, event_id, "f" * 26)
    eventually(lambda: status(event_id) == "decided")


def test_the_answer_says_how_far_and_never_about_whom(service):
    published = service.publish(an_event_body(id="how-far")).json()

    answer = service.follow(published["event_id"])

    assert answer.status_code == 200
    document = answer.json()
    received_at = document.pop("received_at")
    assert received_at.startswith("2026-11-23T")
    assert document == {
        "event_id": published["event_id"],
        "id": "how-far",
        "source": "urn:uk:register:civil-registration",
        "type": "civil-registration.birth.registered.v1",
        "status": "on_the_log",
    }


def test_somebody_elses_event_is_as_unknown_as_none(service):
    event_id = service.publish(an_event_body(id="not-yours")).json()["event_id"]

    foreign, unknown = service.follow(event_id, "dvla"), service.follow("a" * 26, "dvla")

    def shape(answer):
        headers = {name: value for name, value in answer.headers.items() if name != "date"}
        return answer.status_code, headers, {**answer.json(), "trace_id": ""}

    assert foreign.status_code == 404
    assert shape(foreign) == shape(unknown)


@pytest.mark.parametrize(
    ("value", "headers", "reason"),
    [
        (b"\xff\xff\xff", [], "headers"),
        (b"", [], "empty"),
        (None, [], "unexpected_tombstone"),
        (b"\xff\xff\xff", "decision", "decode"),
        (b"\n\x01e", "decision", "decode"),
        (b"\n\x01e", "decision v2", "schema_future"),
    ],
)
def test_what_can_never_be_read_is_set_aside_and_the_rest_goes_on(
    service, decisions, value, headers, reason
):
    if headers:
        name = decision_pb2.Decision.DESCRIPTOR.full_name
        encoded = codec.encode(
            decision_pb2.Decision(event_id="e"),
            id="e",
            type=name.replace(".v1.", ".v2.") if headers == "decision v2" else name,
            source="urn:joinedup:nudges",
            time=NOW,
        )
        headers = encoded.headers
    event_id = service.publish(an_event_body(id=f"after-{reason}")).json()["event_id"]
    letters = Log(service.kafka, "decisions.v1.dead-letter")

    decisions.send("decisions.v1", value, b"m" * 26, headers, partition=0).get(10)
    (letter,) = eventually(letters.new)
    letters.close()

    assert dict(letter.headers)["dl_reason"].decode() == reason
    assert dict(letter.headers)["dl_service"] == b"events"
    assert (letter.key, letter.value) == (b"m" * 26, value)
    decide(decisions, event_id, "m" * 26)
    eventually(lambda: service.follow(event_id).json()["status"] == "decided")
