"""A token that was narrowed to some types publishes no other, by whichever way it comes."""

import json

import grpc
import pytest

from joinedup.events.v1 import life_events_pb2 as pb
from joinedup.events.v1.life_events_pb2_grpc import LifeEventsStub
from services.kit.rpc_status import reason_of
from tests.builders import BIRTH, DEATH, an_event_body
from tests.events_service import BATCH
from tests.inbound_topic import InboundTopic

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

# What stands in it besides is the publisher's own, and may be more than the register lets it.
SCOPE = f"{BIRTH} driving.licence.renewed.v1"


def bodies(name):
    """A birth, which is in scope, and a death, which is not though gro may publish deaths."""
    return an_event_body(id=f"{name}-in"), an_event_body("death", id=f"{name}-out")


def audited(service, said):
    lines = [json.loads(line) for line in service.log_text()[said:].splitlines()]
    return [
        (each["code"], each["publisher"])
        for each in lines
        if each["logger"] == "services.events.audit"
    ]


def header(service, **claims):
    return {"authorization": f"Bearer {service.token('gro', scope=SCOPE, **claims)}"}


def test_over_http(service, log):
    said = len(service.log_text())
    inside, outside = (service.publish(body, **header(service)) for body in bodies("by-http"))

    assert inside.status_code == 202
    assert (outside.status_code, outside.json()["code"]) == (403, "scope_denied")
    assert [message.type for _, message, _ in log.events()] == [BIRTH]
    assert audited(service, said) == [("scope_denied", "gro")]


def test_in_binary_mode(service, log):
    inside, outside = (service.publish_binary(b, **header(service)) for b in bodies("by-headers"))

    assert (inside.status_code, outside.status_code) == (202, 403)
    assert [message.type for _, message, _ in log.events()] == [BIRTH]


def test_in_a_batch(service, log):
    said = len(service.log_text())

    answer = service.publish_batch(bodies("by-batch"), **header(service))

    assert [each["http_status"] for each in answer.json()["results"]] == [202, 403]
    assert [message.type for _, message, _ in log.events()] == [BIRTH]
    assert audited(service, said) == [("scope_denied", "gro")]


def test_over_grpc(service, log):
    inside, outside = (
        pb.PublishRequest(cloud_event_json=json.dumps(body).encode()) for body in bodies("by-call")
    )
    with grpc.insecure_channel(service.target) as channel:
        publish = LifeEventsStub(channel).Publish
        publish(inside, timeout=10, metadata=service.metadata(scope=SCOPE))
        with pytest.raises(grpc.RpcError) as refused:
            publish(outside, timeout=10, metadata=service.metadata(scope=SCOPE))

    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert reason_of(refused.value) == "scope_denied"
    assert [message.type for _, message, _ in log.events()] == [BIRTH]


def test_in_a_stream(service, log):
    requests = [
        pb.PublishStreamRequest(number=number, cloud_event_json=json.dumps(body).encode())
        for number, body in enumerate(bodies("by-stream"))
    ]
    with grpc.insecure_channel(service.target) as channel:
        publish = LifeEventsStub(channel).PublishStream
        metadata = service.metadata(scope=SCOPE)
        inside, outside = publish(iter(requests), timeout=10, metadata=metadata)

    assert inside.accepted.event_id
    assert outside.refused.code == "scope_denied"
    assert [message.type for _, message, _ in log.events()] == [BIRTH]


def test_straight_to_kafka(service, log):
    inbound = InboundTopic(service)
    inside, outside = bodies("by-topic")

    for body in (inside, outside):
        token = header(service, jti=body["id"])["authorization"]
        offset = inbound.put(body, authorization=token)

    assert inbound.letter_of(offset).code == "scope_denied"
    inbound.settle()
    inbound.close()
    assert [message.type for _, message, _ in log.events()] == [BIRTH]


def test_a_scope_gives_nothing_that_the_register_does_not(service, log):
    token = service.token("dvla", scope=BIRTH)

    answer = service.publish(an_event_body(), authorization=f"Bearer {token}")

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_denied")
    assert log.events() == []


def test_a_narrow_token_follows_every_event_of_its_publisher(service):
    event_id = service.publish(an_event_body("death", id="followed-narrowly")).json()["event_id"]

    answer = service.http.get(f"/v1/events/{event_id}", headers=header(service))

    assert (answer.status_code, answer.json()["type"]) == (200, DEATH)


def test_a_wildcard_publishes_nothing_at_all(service, log):
    token = f"Bearer {service.token('gro', scope=f'{BIRTH} *')}"
    both = [json.dumps(body) for body in bodies("wild")]

    one = service.publish(both[0].encode(), authorization=token)
    many = service.publish(
        f"[{','.join(both)}]".encode(), authorization=token, **{"content-type": BATCH}
    )

    assert {(each.status_code, each.json()["code"]) for each in (one, many)} == {
        (401, "invalid_scope")
    }
    assert log.events() == []
