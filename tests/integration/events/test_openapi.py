"""Every example that the service serves is true: it is sent, and answered as documented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from joinedup.cli.event_checks import register
from services.events.domain import texts
from services.events.entrypoints.cloudevents_http import BATCH, BINARY, STRUCTURED
from tests.command_line import InProcess
from tests.events_service import EventsService
from tools.reference.contracts import read_contracts
from tools.reference.http import described

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

PROBLEM = "application/problem+json"
# For the names of the tests alone; what is sent and held to is what the process serves.
DESCRIBED = described(read_contracts())
REQUESTS = [
    (path, media_type, name)
    for path, item in DESCRIBED["paths"].items()
    for media_type, each in item.get("post", {}).get("requestBody", {}).get("content", {}).items()
    for name in each["examples"]
]
PROBLEMS = [
    (method, path, status, name)
    for path, item in DESCRIBED["paths"].items()
    for method, operation in item.items()
    for status, response in operation["responses"].items()
    for name in response.get("content", {}).get(PROBLEM, {}).get("examples", ())
]
PUBLISHERS = [
    found
    for path in (Path(__file__).parents[3] / "catalogue" / "publishers").glob("*.yaml")
    if (found := register().publisher(path.stem)) is not None and not found.sandbox
]


@pytest.fixture(scope="module")
def document(service: EventsService) -> dict[str, Any]:
    return dict(service.http.get("/openapi.json").json())


def holds(document: dict[str, Any], operation: dict[str, Any], answer: Any) -> Any:
    """Hold an answer to what its route documents for its status; returns its body."""
    response = operation["responses"][str(answer.status_code)]
    media_type = answer.headers["content-type"]
    schema = {**response["content"][media_type]["schema"], "components": document["components"]}
    jsonschema_rs.validator_for(schema).validate(answer.json())
    return answer.json()


def sender(event: dict[str, Any]) -> str:
    return next(
        each.id
        for each in PUBLISHERS
        if each.speaks_for(event["source"]) and each.may_publish(event["type"])
    )


@pytest.mark.parametrize(("path", "media_type", "name"), REQUESTS)
def test_an_example_of_a_request_is_accepted(service, document, path, media_type, name):
    operation = document["paths"][path]["post"]
    contents = operation["requestBody"]["content"]
    value = contents[media_type]["examples"][name]["value"]
    event = contents[STRUCTURED]["examples"][name]["value"] if media_type == BINARY else value
    headers = {"content-type": media_type}
    if media_type == BINARY:
        told = {
            f"ce-{name}": str(event[name])
            for name in event
            if name not in {"data", "datacontenttype"}
        }
        assert told.keys() == {each["name"] for each in operation["parameters"]}
        headers |= told

    answer = service.publish(
        json.dumps(value).encode(), sender(value[0] if media_type == BATCH else event), **headers
    )

    body = holds(document, operation, answer)
    if media_type == BATCH:
        assert (answer.status_code, body["refused"]) == (207, 0)
        assert [each["http_status"] for each in body["results"]] == [202] * len(value)
    else:
        assert answer.status_code == 202
        followed = service.http.get(
            body["status"], headers={"authorization": f"Bearer {service.token(sender(event))}"}
        )
        holds(document, document["paths"]["/v1/events/{event_id}"]["get"], followed)
        assert followed.json()["id"] == event["id"]


@pytest.mark.parametrize(("method", "path", "status", "name"), PROBLEMS)
def test_an_example_of_a_problem_is_one_that_can_come(document, method, path, status, name):
    response = document["paths"][path][method]["responses"][status]
    example = response["content"][PROBLEM]["examples"][name]["value"]
    schema = {**response["content"][PROBLEM]["schema"], "components": document["components"]}
    said = {**texts.REQUEST, **texts.PLACE}

    jsonschema_rs.validator_for(schema).validate(example)
    assert (str(example["status"]), example["code"]) == (status, name)
    assert example["type"] == f"urn:joinedup:problem:{name}"
    assert name in said
    for code in response["description"].removeprefix("One of: ").split(", "):
        assert code in said


def test_what_is_served_has_the_examples_that_are_tested(document):
    assert len(REQUESTS) > 40
    assert {STRUCTURED, BATCH, BINARY} == {media_type for _, media_type, _ in REQUESTS}
    assert document == DESCRIBED


def test_the_types_are_read_as_they_are_documented(service, document):
    paths = document["paths"]
    listed = holds(document, paths["/v1/event-types"]["get"], service.http.get("/v1/event-types"))

    for each in listed["event_types"]:
        whole = service.http.get(each["href"])
        body = holds(document, paths["/v1/event-types/{type}"]["get"], whole)
        assert {**body, **each} == body
        assert body["schema"] == document["components"]["schemas"][each["type"]]
    unknown = service.http.get("/v1/event-types/a.b.v1")
    holds(document, paths["/v1/event-types/{type}"]["get"], unknown)


def test_the_command_line_shows_the_platforms_types_and_says_so(service, tmp_path):
    here, nowhere = InProcess(tmp_path / "here"), InProcess(tmp_path / "nowhere")
    here.home.mkdir()
    (here.home / "endpoints.json").write_text(json.dumps({"events_http": service.url}))
    birth = "civil-registration.birth.registered.v1"

    for arguments in ((), (birth,)):
        asked = here("events", "types", *arguments, "--json").document
        read = nowhere("events", "types", *arguments, "--json").document
        assert asked.pop("from") == f"{service.url}/v1/event-types"
        assert read.pop("from").startswith("the catalogue")
        assert asked == read
    told = here("events", "types", "birth", "--json")
    assert told.document["error"]["code"] == "event_type_unknown"
    assert birth in told.document["error"]["fix"]
