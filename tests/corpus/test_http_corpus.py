"""Bad input over HTTP: one file an entry, sent to the real process with real stores.

Each must get its status and code, leave nothing behind, repeat nothing that was sent, and leave
an audit line exactly where its entry says so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.corpus import http_bodies
from tests.corpus.http_bodies import ENTRIES
from tests.corpus.publisher_tokens import token_of
from tests.events_service import STRUCTURED, EventsService, Log, rows_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

AUDIT = "services.events.audit"
WRITTEN = """
    SELECT (SELECT count(*) FROM admissions), (SELECT count(*) FROM decided)
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory, kafka_bootstrap, module_database_url):
    folder = tmp_path_factory.mktemp("corpus")
    with EventsService(folder, kafka=kafka_bootstrap, database_url=module_database_url) as started:
        yield started


@pytest.fixture(scope="module")
def log(service):
    reading = Log(service.kafka)
    yield reading
    reading.close()


class Sender:
    """Turns an entry's requests into real ones, remembering the tokens that were sent."""

    def __init__(self, service: EventsService, entry_id: str) -> None:
        self._service = service
        self._id = entry_id
        self.tokens: list[str] = []
        self.sent: list[bytes] = []

    def send(self, request: dict[str, Any]) -> Any:
        """Send one request and answer the response."""
        headers = {"content-type": STRUCTURED, **self._authorization(request.get("token", {}))}
        headers |= request.get("headers", {})
        content = http_bodies.content(request, self._id)
        self.sent.append(content or b"")
        method, path = request.get("method", "POST"), request.get("path", "/v1/events")
        return self._service.http.request(method, path, content=content, headers=headers)

    def _authorization(self, wanted: Any) -> dict[str, str]:
        if wanted == "none":
            return {}
        again = wanted == "again"
        token = self.tokens[-1] if again else token_of(self._service, dict(wanted))
        self.tokens.append(token)
        return {"authorization": f"Bearer {token}"}


def planted(entry: dict[str, Any], sender: Sender) -> list[str]:
    """What an answer must not repeat: tokens, and everything personal that was sent."""
    personal = ["QQ123456C", "Mair", "Bevan", "CF10 1AA", "1994-02-03", "GRO-2026", "corpus-"]
    return [*personal, *entry.get("planted", []), *(each for each in sender.tokens if each)]


@pytest.mark.parametrize("path", ENTRIES, ids=lambda path: path.stem)
def test_bad_input_gets_its_answer_and_leaves_nothing(
    path: Path, service: EventsService, log: Log, module_database_url: str
) -> None:
    entry = YAML(typ="safe").load(path)
    sender, expected = Sender(service, entry["id"]), entry["expect"]
    for before in entry.get("before", ()):
        assert sender.send(before).status_code == before["status"]
    stood, asked = rows_of(module_database_url, WRITTEN), len(service.identity.asked)
    log.new()
    said = len(service.log_text())

    answer = sender.send(entry["request"])

    assert answer.status_code == expected["status"], answer.text
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["code"], problem["status"]) == (expected["code"], expected["status"])
    assert problem["type"] == f"urn:joinedup:problem:{expected['code']}"
    assert [
        {"pointer": each["pointer"], "code": each["code"]} for each in problem["errors"]
    ] == expected.get("errors", [])
    for part in expected.get("says", []):
        assert part in json.dumps(problem)
    for name, value in expected.get("headers", {}).items():
        assert answer.headers[name] == value
    written = service.log_text()[said:]
    for value in planted(entry, sender):
        assert value not in answer.text
        assert value not in written
    lines = [json.loads(line) for line in written.splitlines()]
    audited = [(each["code"], each["publisher"]) for each in lines if each["logger"] == AUDIT]
    assert audited == ([(expected["code"], expected["audit"])] if "audit" in expected else [])
    assert rows_of(module_database_url, WRITTEN) == stood
    assert len(service.identity.asked) == asked
    assert log.new() == []


def test_every_entry_has_a_name_of_its_own() -> None:
    entries = http_bodies.entries()

    assert [entry["id"] for entry in entries] == [path.stem.partition("-")[0] for path in ENTRIES]
    assert len({path.stem for path in ENTRIES}) == len(ENTRIES)
    assert all(entry["says"] for entry in entries)
