"""A broker that is frozen, then dead, then back: never a 202 that is not true."""

import signal
import time

import pytest

from deploy.local.settings import External
from tests.builders import an_event_body
from tests.events_service import EventsService, Log
from tests.native import start_platform

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def broker():
    started = start_platform("own", only=("kafka",), external=External())
    yield started
    started.stop()


@pytest.fixture(scope="module")
def away(broker, tmp_path_factory, module_database_url):
    folder = tmp_path_factory.mktemp("away")
    kafka = broker.endpoints["kafka"]
    with EventsService(folder, kafka=kafka, database_url=module_database_url) as started:
        yield started


def publish_until_admitted(service, body, seconds=60):
    deadline = time.monotonic() + seconds
    refusals = []
    while (answer := service.publish(body)).status_code != 202:
        refusals.append(answer.json()["code"])
        assert time.monotonic() < deadline, refusals
        time.sleep(float(answer.headers["retry-after"]) / 10)
    return answer, refusals


def test_an_event_is_promised_only_when_it_is_on_the_log(broker, away):
    body = an_event_body(id="patient")
    away.publish(an_event_body(id="before"))
    broker.kill("kafka", signal.SIGSTOP)

    begun = time.monotonic()
    refused = away.publish(body)
    took = time.monotonic() - begun
    at_once = away.publish(body)

    for answer in (refused, at_once):
        assert (answer.status_code, answer.json()["code"]) == (503, "log_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
    assert took < 5
    # What lay in the frozen broker's sockets dies with it.
    broker.kill("kafka")
    broker.wait_ready("kafka")
    answer, refusals = publish_until_admitted(away, body)
    assert answer.json()["duplicate"] is False
    assert set(refusals) <= {"log_unavailable"}
    assert away.publish(body).json() == {**answer.json(), "duplicate": True}
    assert admitted_records(away, answer.json()["event_id"]) == 1
    assert away.follow(answer.json()["event_id"]).json()["status"] == "on_the_log"


def admitted_records(service, event_id):
    log = Log(service.kafka)
    for partition in log.ends():
        log._consumer.seek(partition, 0)
    found = [message for _, message, _ in log.events() if message.event_id == event_id]
    log.close()
    assert len({each.SerializeToString(deterministic=True) for each in found}) <= 1
    return len(found)
