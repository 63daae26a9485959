"""Who says a basis of its own is refused in every way in, and the people it named can see it."""

from __future__ import annotations

import itertools
import json

import grpc
import pytest
from google.rpc import code_pb2

from joinedup.events.v1 import life_events_pb2 as pb
from joinedup.events.v1.life_events_pb2_grpc import LifeEventsStub
from services.kit.rpc import reason_of
from tests.builders import BIRTH, an_event_body
from tests.events_service import EventsService
from tests.integration.events.ways import ways

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

NUMBERS = itertools.count()
AUDIT = "services.events.audit"
MOTHER = ("nino", "QQ123456C")
OWN = "vital_interest"


@pytest.fixture(scope="module")
def stub(service):
    with grpc.insecure_channel(service.target) as channel:
        yield LifeEventsStub(channel)


@pytest.fixture(autouse=True)
def attempts(service):
    """What identity was told of in this test."""
    service.identity.keeping_no_lines = False
    service.identity.attempts.clear()
    yield service.identity.attempts
    service.identity.keeping_no_lines = False


def a_birth(**changed):
    return an_event_body(id=f"basis-{next(NUMBERS)}", **changed)


def named(attempt):
    return [(each.scheme, each.value) for person in attempt.persons for each in person.identifiers]


def with_token(service: EventsService, **claims):
    return {"authorization": f"Bearer {service.token(**claims)}"}


@pytest.mark.parametrize("place", ["envelope", "data"])
def test_it_is_refused_in_every_way_in_and_written_down(service, stub, attempts, place):
    tried = 0
    for way in ways(service, stub):
        told = a_birth(data={"lawful_basis": OWN} if place == "data" else {})
        if place == "envelope":
            told["lawfulbasis"] = OWN
        if not way.carries(told):
            continue
        answer = way.publish(told, "gro")

        assert (answer.code, answer.faults) == ("basis_not_yours", ()), way.name
        assert OWN not in answer.detail
        tried += 1
        assert len(attempts) == tried, way.name
        attempt = attempts[-1]
        assert (attempt.publisher, attempt.type) == ("gro", BIRTH)
        assert attempt.reason == "basis_not_yours"
        assert MOTHER in named(attempt)
    assert tried >= 5


def test_its_status_is_403_with_an_audit_line_and_without_what_was_said(service):
    said = len(service.log_text())

    answer = service.publish(a_birth(data={"lawful_basis": OWN}))

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert OWN not in answer.text
    lines = [json.loads(line) for line in service.log_text()[said:].splitlines()]
    audited = [(each["code"], each["publisher"]) for each in lines if each["logger"] == AUDIT]
    assert audited == [("basis_not_yours", "gro")]


def test_a_token_may_not_say_one_either(service, stub, attempts):
    answer = service.publish(a_birth(), **with_token(service, lawful_basis=OWN))
    event = json.dumps(a_birth()).encode()
    with pytest.raises(grpc.RpcError) as refused:
        stub.Publish(
            pb.PublishRequest(cloud_event_json=event),
            timeout=10,
            metadata=service.metadata(purpose="marketing"),
        )
    request = pb.PublishStreamRequest(number=1, cloud_event_json=event)
    metadata = service.metadata(bypass_consent=True)
    (streamed,) = stub.PublishStream(iter([request]), timeout=10, metadata=metadata)

    assert (answer.status_code, answer.json()["code"]) == (403, "basis_not_yours")
    assert refused.value.code().value[0] == code_pb2.PERMISSION_DENIED
    assert reason_of(refused.value) == streamed.refused.code == "basis_not_yours"
    assert not streamed.refused.try_again
    assert len(attempts) == 3


def test_what_the_catalogue_grants_anyway_is_no_attempt(service, attempts):
    answer = service.publish(a_birth(data={"lawful_basis": "public_task"}))
    granted = service.publish(a_birth(), **with_token(service, lawful_basis="public_task"))

    assert (answer.status_code, answer.json()["code"]) == (422, "field_unknown")
    assert granted.status_code == 202
    assert not attempts


def test_a_type_outside_its_gateway_is_an_attempt_too(service, attempts):
    answer = service.publish(a_birth(), "dwp")

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_denied")
    [attempt] = attempts
    assert (attempt.publisher, attempt.reason) == ("dwp", "scope_denied")
    assert MOTHER in named(attempt)


def test_each_event_of_a_batch_is_judged_by_itself(service, attempts):
    batch = [a_birth(), a_birth(data={"purpose": "x"}), a_birth(), a_birth(data={"basis": "y"})]

    results = service.publish_batch(batch).json()["results"]

    assert [each["http_status"] for each in results] == [202, 403, 202, 403]
    assert len(attempts) == 2


def test_nobody_is_refused_before_it_is_written_down(service, attempts):
    service.identity.keeping_no_lines = True

    answers = [service.publish(a_birth(data={"lawful_basis": OWN})) for _ in range(2)]
    nobody = service.publish(a_birth(data={"lawful_basis": OWN, "persons": []}))

    assert [each.status_code for each in answers] == [503, 503]
    assert answers[0].json()["code"] == "identity_unavailable"
    assert nobody.status_code == 403
    assert not attempts


def test_a_token_that_was_used_before_is_no_attempt_of_its_publisher(service, attempts):
    headers = with_token(service)
    assert service.publish(a_birth(), **headers).status_code == 202

    answer = service.publish(a_birth(data={"lawful_basis": OWN}), **headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "assertion_replayed")
    assert not attempts


def test_what_is_tried_in_the_sandbox_concerns_nobody(service, attempts):
    told = a_birth(source="urn:uk:sandbox", data={"lawful_basis": OWN})

    answer = service.publish(told, "sandbox")

    assert (answer.status_code, answer.json()["code"]) == (403, "basis_not_yours")
    assert not attempts


def test_known_and_unknown_persons_are_answered_in_the_same_words(service, attempts):
    answers = []
    for value in ("QQ123456C", "QQ999999A"):
        told = a_birth(data={"lawful_basis": OWN})
        told["data"]["persons"][1]["identifiers"][0]["value"] = value
        document = service.publish(told).json()
        document.pop("trace_id")
        answers.append(document)

    assert answers[0] == answers[1]
    assert len(attempts) == 2
