"""A department learns nothing of a person from an answer: known and permitting, or never seen."""

from __future__ import annotations

import json
import re
import secrets
import time
from functools import partial

import grpc
import httpx
import pytest

from joinedup.cli.home import Home
from joinedup.client.publisher_token import PublisherKey
from joinedup.events.v1 import life_events_pb2 as pb
from joinedup.events.v1.life_events_pb2_grpc import LifeEventsStub
from tests.end_to_end.people import Parent, write
from tests.waiting import eventually

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(180)]

BATCH = "application/cloudevents-batch+json"
ONE = "application/cloudevents+json"
# What is an event's own and tells nothing of a person: ids, when it came, the trace of the request.
OWN = re.compile(
    rb'GRO-E2E-[0-9a-f]{12}|"received_at":"[^"]*"|"trace_id": ?"[0-9a-f]*"'
    rb"|(?<![a-z0-9])[a-z2-7]{26}(?![a-z0-9])"
)


class Office:
    """The General Register Office, which looks at everything that comes back."""

    def __init__(self, platform):
        self._key = PublisherKey("gro", Home(platform.home).publisher_key("gro"))
        self._http = httpx.Client(
            base_url=platform.endpoints["events_http"], timeout=30, trust_env=False
        )
        self._channel = grpc.insecure_channel(platform.endpoints["events_grpc"])
        self.calls = LifeEventsStub(self._channel)

    def close(self):
        self._http.close()
        self._channel.close()

    def token(self):
        return f"Bearer {self._key.token(time.time())}"

    def post(self, body, kind=ONE):
        headers = {"authorization": self.token(), "content-type": kind}
        return self._http.post("/v1/events", content=json.dumps(body), headers=headers)

    def follow(self, event_id):
        return self._http.get(f"/v1/events/{event_id}", headers={"authorization": self.token()})

    def call(self, body):
        """All that a call by gRPC ends with: metadata before and after, status, and the answer."""
        request = pb.PublishRequest(cloud_event_json=json.dumps(body).encode())
        metadata = (("authorization", self.token()),)
        call = self.calls.Publish.future(request, timeout=30, metadata=metadata)
        # Waits for the end, whatever it is.
        answer = b"" if call.exception() else call.result().SerializeToString()
        ended = (call.code(), call.details(), answer)
        return *ended, call.initial_metadata(), call.trailing_metadata()


@pytest.fixture
def office(platform):
    opened = Office(platform)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def known(joinedup, tmp_path_factory):
    """One permits to be helped with her family, two were never asked."""
    known = [Parent() for _ in range(3)]
    lines = [each.line() for each in known]
    added = joinedup("people", "add", write(tmp_path_factory.mktemp("known"), "people", *lines))
    assert added.code == 0, added.err
    given = joinedup("permissions", "give", "family", "hmrc", "--as", known[0].sub)
    assert given.code == 0, given.err
    return known


@pytest.fixture
def mothers(known):
    """One permits, one was never asked, and two nobody has seen before."""
    permitting, silent, _ = known
    return [permitting, silent, Parent(), Parent()]


def seen_of(answer):
    """Everything of an answer but what is the event's own; that has its size."""
    headers = [each for each in answer.headers.raw if each[0].lower() != b"date"]
    return (
        answer.status_code,
        answer.reason_phrase,
        answer.http_version,
        headers,
        len(answer.content),
        OWN.sub(b"*", answer.content),
    )


def called(ended):
    """The same of a call by gRPC."""
    status, details, answer, before, after = ended
    return status, details, len(answer), OWN.sub(b"*", answer), before, after


def alike(answers):
    """Assert that all are the same, and return what they are."""
    first, *others = answers
    for other in others:
        assert other == first
    return first


def spoilt(birth, number):
    """A birth with a mistake in it."""
    data = birth["data"]
    match number:
        case 0:
            data["nation"] = "France"
        case 1:
            data["facts"]["surprise"] = True
        case 2:
            data["persons"][1]["birth_date"] = "1993-02-30"
        case 3:
            birth["source"] = "urn:uk:register:drivers"
        case _:
            birth["type"] = "civil-registration.birth.guessed.v1"
    return birth


def test_a_receipt_is_the_same(office, mothers):
    births = [mother.birth() for mother in mothers]

    first = alike(seen_of(office.post(birth)) for birth in births)
    again = alike(seen_of(office.post(birth)) for birth in births)

    assert (first[0], again[0]) == (202, 202)
    assert (b'"duplicate":false' in first[-1], b'"duplicate":true' in again[-1]) == (True, True)


@pytest.mark.parametrize("number", range(5))
def test_a_refusal_is_the_same(office, mothers, number):
    answers = [office.post(spoilt(mother.birth(), number)) for mother in mothers]

    assert alike(map(seen_of, answers))[0] in {403, 422}


def test_another_body_under_an_id_is_refused_in_the_same_way(office, mothers):
    births = [mother.birth() for mother in mothers]
    for birth in births:
        office.post(birth)
        birth["data"]["facts"]["multiple_birth"] = True

    answers = [office.post(birth) for birth in births]

    assert alike(map(seen_of, answers))[0] == 422


def test_what_becomes_of_an_event_is_the_same_to_its_publisher(office, mothers):
    ids = [office.post(mother.birth()).json()["event_id"] for mother in mothers]

    def decided(event_id):
        answer = office.follow(event_id)
        return answer if answer.json()["status"] == "decided" else None

    answers = [eventually(partial(decided, event_id), seconds=60) for event_id in ids]

    assert alike(map(seen_of, answers))[0] == 200


def test_a_batch_is_answered_the_same(office, mothers):
    batches = []
    for mother in mothers:
        birth = mother.birth()
        batches.append([birth, spoilt(mother.birth(), 0), birth, spoilt(mother.birth(), 3)])

    assert alike(seen_of(office.post(batch, BATCH)) for batch in batches)[0] == 207

    together = office.post([mother.birth() for mother in mothers], BATCH).json()
    results = [{**each, "index": 0} for each in together["results"]]
    alike(OWN.sub(b"*", json.dumps(each).encode()) for each in results)
    assert together["accepted"] == len(mothers)


def test_a_call_is_answered_the_same(office, mothers):
    births = [mother.birth() for mother in mothers]

    first = alike(called(office.call(birth)) for birth in births)
    again = alike(called(office.call(birth)) for birth in births)
    refused = alike(called(office.call(spoilt(mother.birth(), 0))) for mother in mothers)

    assert [each[0] for each in (first, again)] == [grpc.StatusCode.OK] * 2
    assert refused[0] is grpc.StatusCode.INVALID_ARGUMENT


def test_a_death_is_answered_the_same(office, known):
    """Of somebody known it makes everything silent first, of nobody known there is nothing."""

    def death(mother):
        event = mother.birth()
        deceased = {**event["data"]["persons"][1], "role": "deceased"}
        event["id"] = f"GRO-E2E-{secrets.token_hex(6)}"
        event["type"] = "civil-registration.death.registered.v1"
        event["data"] |= {"persons": [deceased], "facts": {"certificate": "final"}}
        return event

    mothers = (known[2], Parent(), Parent())
    assert alike(seen_of(office.post(death(mother))) for mother in mothers)[0] == 202
