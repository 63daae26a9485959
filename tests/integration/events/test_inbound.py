"""Straight to Kafka: a publisher's own topic, through the real process, to the real log, once."""

import pytest

from tests.builders import an_event_body
from tests.inbound_topic import InboundTopic

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


@pytest.fixture
def inbound(service):
    made = InboundTopic(service)
    yield made
    made.close()


def test_a_record_becomes_the_same_event_as_over_http(service, inbound, log):
    body = an_event_body(id="straight")

    inbound.put(body)

    inbound.settle()
    ((_, record, _),) = log.events()
    assert service.publish(body).json() == {
        "event_id": record.event_id,
        "status": f"/v1/events/{record.event_id}",
        "duplicate": True,
    }
    assert inbound.letters() == []
