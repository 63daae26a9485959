"""Whatever is sent, the answer is one that the description of the interface knows."""

from __future__ import annotations

import pytest

from tests.events_service import EventsService
from tests.fuzz.http_interface import run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

# Nobody; one whose types they are; one whose types are others.
ROLES = {"nobody": None, "gro": "gro", "dvla": "dvla"}
ANSWERED = {"nobody": {401}, "gro": {202, 207, 401, 403, 404, 422}, "dvla": {202, 207, 403, 404}}


@pytest.fixture(scope="module")
def service(tmp_path_factory, kafka_bootstrap, module_database_url):
    folder = tmp_path_factory.mktemp("fuzz")
    with EventsService(folder, kafka=kafka_bootstrap, database_url=module_database_url) as started:
        yield started


@pytest.fixture
def document(service):
    return service.http.get("/openapi.json").json()


@pytest.mark.parametrize("role", ROLES)
def test_every_answer_is_one_that_is_documented(service, document, role, fuzz_seconds):
    examples = 40 if fuzz_seconds is None else 300
    # Nobody is refused whatever they send, so its edges say nothing.
    thorough = fuzz_seconds is not None and role != "nobody"

    done = run(service, document, ROLES[role], examples=examples, thorough=thorough)

    assert done.findings == {}, "\n\n".join(f"{k}\n{v}" for k, v in done.findings.items())
    assert ANSWERED[role] <= done.statuses.keys()
    assert done.cases > 100


def test_what_is_not_documented_would_be_found(service, document):
    del document["paths"]["/v1/events/{event_id}"]["get"]["responses"]["401"]
    described = document["components"]["schemas"]["EventTypesDocument"]["properties"]
    described["event_types"]["maxItems"] = 0

    done = run(service, document, "gro", examples=5, thorough=False)

    found = {name.rpartition(":")[0] for name in done.findings}
    assert found == {
        "GET /v1/events/{event_id}: status_code_conformance",
        "GET /v1/event-types: response_schema_conformance",
    }
