"""What a department's developer reads before the first event, and whether it is true."""

import json
from pathlib import Path

import jsonschema_rs
import pytest

from tests.builders import an_event_body

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

REPOSITORY = Path(__file__).resolve().parents[3]
EXAMPLES = REPOSITORY / "protos" / "examples" / "events"
OWNERS = {
    "urn:uk:register:civil-registration": "gro",
    "urn:uk:register:civil-registration-scotland": "nrs",
    "urn:uk:register:civil-registration-northern-ireland": "groni",
    "urn:uk:health:birth-notifications": "nhs",
    "urn:uk:register:drivers": "dvla",
    "urn:uk:benefit:universal-credit": "dwp",
    "urn:uk:council-tax:cardiff": "council-cardiff",
    "urn:uk:council-tax:leeds": "council-leeds",
}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_every_golden_event_is_admitted_from_its_publisher(service, path):
    body = json.loads(path.read_bytes())

    answer = service.publish(body, OWNERS[body["source"]])

    assert answer.status_code == 202, answer.text


def test_every_type_is_listed_and_each_can_be_read(service):
    listed = service.http.get("/v1/event-types").json()["event_types"]

    names = [each["type"] for each in listed]
    assert names == sorted(names)
    assert {"civil-registration.birth.registered.v1", "residence.address.moved.v1"} <= set(names)
    for each in listed:
        document = service.http.get(each["href"]).json()
        assert document["title"].keys() == {"en", "cy"}
        assert document["lawful_basis"]["reference"]
        assert document["coverage"]["completeness"]
        validator = jsonschema_rs.validator_for(document["schema"])
        assert document["examples"]
        for example in document["examples"]:
            assert list(validator.iter_errors(example)) == []


def test_a_type_that_is_not_there_is_not_found(service):
    answer = service.http.get("/v1/event-types/a.b.c.v1")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_description_of_the_interface_is_whole(service):
    described = service.http.get("/openapi.json").json()

    post = described["paths"]["/v1/events"]["post"]
    assert {"202", "400", "401", "403", "409", "413", "415", "422", "503"} <= post[
        "responses"
    ].keys()
    body = post["requestBody"]["content"]["application/cloudevents+json"]
    assert len(body["schema"]["oneOf"]) == len(
        list((REPOSITORY / "catalogue/events").glob("*.yaml"))
    )
    assert body["examples"]["birth"]["value"] == an_event_body()
    for reference in references(described):
        found = described
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found


def test_the_process_is_alive_ready_and_counts(service):
    assert service.http.get("/health/live").json() == {"status": "live"}
    assert service.http.get("/health/ready").json() == {"status": "ready"}
    service.publish(an_event_body(id="counted"))
    service.publish(an_event_body(id="counted", data={"nation": "X"}))

    counted = service.metrics()

    assert "joinedup_events_admissions_total{" in counted
    assert 'joinedup_outcome="admitted"' in counted
    assert 'joinedup_reason="value_not_allowed"' in counted


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for each in node.values():
            yield from references(each)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)
