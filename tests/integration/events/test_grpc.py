"""Publishing and following over gRPC: the same door as HTTP's, with the same words."""

from __future__ import annotations

import json

import grpc
import pytest
from google.rpc import error_details_pb2

from joinedup.events.v1 import life_events_pb2 as pb
from joinedup.events.v1.life_events_pb2_grpc import LifeEventsStub
from services.events.domain import texts
from services.kit.rpc_status import details_of, fields_of, reason_of
from tests.builders import an_event_body

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def stub(service):
    with grpc.insecure_channel(service.target) as channel:
        yield LifeEventsStub(channel)


def in_json(body):
    return pb.PublishRequest(cloud_event_json=json.dumps(body).encode())


def publish(service, stub, request, publisher="gro"):
    return stub.Publish(request, timeout=10, metadata=service.metadata(publisher))


def refusal(call, *arguments, **named):
    with pytest.raises(grpc.RpcError) as refused:
        call(*arguments, **named)
    return refused.value


def test_an_event_comes_in_and_is_known_again(service, stub, log):
    request = in_json(an_event_body(id="by-grpc"))

    first, again = publish(service, stub, request), publish(service, stub, request)

    assert (first.duplicate, again.duplicate) == (False, True)
    assert first.event_id == again.event_id
    assert [message.event_id for _, message, _ in log.events()] == [first.event_id]


def test_a_publisher_follows_its_own_event(service, stub):
    event_id = publish(service, stub, in_json(an_event_body(id="followed-by-grpc"))).event_id

    got = stub.Get(pb.GetRequest(event_id=event_id), timeout=10, metadata=service.metadata())

    assert (got.event_id, got.id) == (event_id, "followed-by-grpc")
    assert got.source == "urn:uk:register:civil-registration"
    assert got.type == "civil-registration.birth.registered.v1"
    assert got.status == pb.EVENT_STATUS_ON_THE_LOG
    assert got.received_at.ToDatetime().isoformat().startswith("2026-11-23T")


def test_a_sandbox_event_tells_what_would_have_become_of_it(service, stub):
    body = an_event_body(id="tried-by-grpc", source="urn:uk:sandbox")
    body["data"]["persons"][1]["identifiers"] = [{"scheme": "nino", "value": "QQ000001A"}]
    event_id = publish(service, stub, in_json(body), "sandbox").event_id

    metadata = service.metadata("sandbox")
    got = stub.Get(pb.GetRequest(event_id=event_id), timeout=10, metadata=metadata)

    assert got.status == pb.EVENT_STATUS_DECIDED
    assert [(each.role, each.outcome) for each in got.simulated] == [("mother", "delivered")]


def test_somebody_elses_event_is_as_unknown_as_none(service, stub):
    event_id = publish(service, stub, in_json(an_event_body(id="not-theirs"))).event_id

    def shape(asked):
        request = pb.GetRequest(event_id=asked)
        error = refusal(stub.Get, request, timeout=10, metadata=service.metadata("dvla"))
        return error.code(), error.details(), error.trailing_metadata()

    assert shape(event_id) == shape("a" * 26)
    assert shape(event_id)[:2] == (grpc.StatusCode.NOT_FOUND, texts.REQUEST["not_found"])


def test_faults_are_told_with_place_code_and_sentence(service, stub):
    body = an_event_body(data={"nation": "X", "facts": {}})

    error = refusal(publish, service, stub, in_json(body))

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(error) == "event_invalid"
    assert error.details() == texts.REQUEST["event_invalid"]
    assert fields_of(error) == [
        ("/data/facts/multiple_birth", "field_required"),
        ("/data/nation", "value_not_allowed"),
    ]
    (violation, _) = details_of(error, error_details_pb2.BadRequest).field_violations
    assert violation.description == texts.PLACE["field_required"]


def test_a_token_is_used_up_by_a_refused_event(service, stub):
    metadata = service.metadata()
    broken = in_json({"type": 1})

    first = refusal(stub.Publish, broken, timeout=10, metadata=metadata)
    again = refusal(stub.Publish, in_json(an_event_body()), timeout=10, metadata=metadata)

    assert (reason_of(first), reason_of(again)) == ("type_wrong", "assertion_replayed")
    assert again.code() is grpc.StatusCode.UNAUTHENTICATED


def test_what_is_away_is_told_with_the_time_to_wait(service, stub):
    request = in_json(an_event_body(id="identity-away"))
    service.identity.refusals.append((grpc.StatusCode.UNAVAILABLE, "store_unavailable"))

    error = refusal(publish, service, stub, request)

    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert reason_of(error) == "identity_unavailable"
    assert details_of(error, error_details_pb2.RetryInfo).retry_delay.ToSeconds() == 2
    assert publish(service, stub, request).duplicate is False


def test_one_trace_leads_from_the_caller_to_identity_and_to_the_log(service, stub, log):
    trace_id = "5" * 32
    header = ("traceparent", f"00-{trace_id}-{'7' * 16}-01")
    log.new()
    asked = len(service.identity.traceparents)

    stub.Publish(
        in_json(an_event_body(id="traced-by-grpc")),
        timeout=10,
        metadata=(*service.metadata(), header),
    )

    ((_, _, headers),) = log.events()
    (told,) = service.identity.traceparents[asked:]
    for traceparent in (told, headers["traceparent"].decode()):
        assert traceparent.split("-")[1] == trace_id
        assert traceparent.split("-")[2] != "7" * 16
