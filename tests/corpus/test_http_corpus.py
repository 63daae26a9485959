"""Bad input over HTTP: one file an entry, sent to the real process with real stores.

Each must get its status and code, leave nothing behind, repeat nothing that was sent, and leave
an audit line exactly where its entry says so. What is no mistake beside it comes in, once.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.corpus.http_bodies import ENTRIES, RAW_ENTRIES
from tests.corpus.http_sender import Sender
from tests.events_service import EventsService, Log, rows_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

OK = 200
AUDIT = "services.events.audit"
WRITTEN = "SELECT (SELECT count(*) FROM admissions), (SELECT count(*) FROM decided)"
PERSONAL = ("QQ123456C", "Mair", "Bevan", "CF10 1AA", "1994-02-03", "GRO-2026", "corpus-")
# They may send one event and then one a second: who sends many at once has to wait for long.
SLOW = ("council-cardiff", "council-leeds")


@pytest.fixture(scope="module")
def service(tmp_path_factory, kafka_bootstrap, module_database_url):
    service = EventsService(
        tmp_path_factory.mktemp("corpus"),
        kafka=kafka_bootstrap,
        database_url=module_database_url,
        read_timeout_seconds="1",
    )
    for publisher in SLOW:
        with (service.catalogue / "publishers" / f"{publisher}.yaml").open("a") as entry:
            entry.write("limits: {events_per_second: 1, burst: 1}\n")
    with service as started:
        yield started


@pytest.fixture(scope="module")
def log(service):
    reading = Log(service.kafka)
    yield reading
    reading.close()


class Witness:
    """What has been written, asked and said since it was made."""

    def __init__(self, service: EventsService, log: Log) -> None:
        self._service, self._log = service, log
        log.new()
        self._rows, self._asked = self._counted(), len(service.identity.asked)
        self._said = len(service.log_text())

    def came_in(self) -> tuple[list[int], int, int]:
        """How much is in the store, was asked of identity, and is on the log."""
        more = [now - then for now, then in zip(self._counted(), self._rows, strict=True)]
        return more, len(self._service.identity.asked) - self._asked, len(self._log.new())

    def said(self) -> str:
        """What the process has written to its log file."""
        return self._service.log_text()[self._said :]

    def _counted(self) -> tuple[int, ...]:
        ((admitted, decided),) = rows_of(self._service.database_url, WRITTEN)
        return admitted, decided


def check_problem(problem: dict[str, Any], expected: dict[str, Any]) -> None:
    """What a refusal tells."""
    assert (problem["code"], problem["status"]) == (expected["code"], expected["status"])
    assert problem["type"] == f"urn:joinedup:problem:{expected['code']}"
    assert [
        {"pointer": each["pointer"], "code": each["code"]} for each in problem["errors"]
    ] == expected.get("errors", [])
    for part in expected.get("says", []):
        assert part in json.dumps(problem)


def check_results(told: dict[str, Any], expected: list[dict[str, Any]]) -> None:
    """Each event of a batch has its own answer, and all of them the place they were sent in."""
    accepted = sum("duplicate" in each for each in expected)
    assert (told["accepted"], told["refused"]) == (accepted, len(expected) - accepted)
    for index, (each, wanted) in enumerate(zip(told["results"], expected, strict=True)):
        assert (each["index"], each["http_status"]) == (index, wanted["status"])
        if "code" in wanted:
            check_problem(each["problem"], wanted)
        else:
            assert each["receipt"]["duplicate"] is wanted["duplicate"]


def check_answer(answer: Any, expected: dict[str, Any]) -> None:
    """Status, headers, and what the body tells."""
    assert answer.status_code == expected["status"], answer.text
    for name, value in expected.get("headers", {}).items():
        assert fnmatchcase(answer.headers[name], value)
    refused = "code" in expected
    kind = "application/problem+json" if refused else "application/json"
    assert answer.headers["content-type"] == kind
    if refused:
        check_problem(answer.json(), expected)
    elif "results" in expected:
        check_results(answer.json(), expected["results"])
    elif "duplicate" in expected:
        assert answer.json()["duplicate"] is expected["duplicate"]


@pytest.mark.parametrize("path", [*ENTRIES, *RAW_ENTRIES], ids=lambda path: path.stem)
def test_bad_input_gets_its_answer_and_leaves_nothing(
    path: Path, service: EventsService, log: Log
) -> None:
    entry = YAML(typ="safe").load(path)
    sender, expected = Sender(service, entry["id"]), entry["expect"]
    for before in entry.get("before", ()):
        assert sender.send(before).status_code == before["status"]
    with sender.while_in_progress(entry.get("meanwhile")):
        witness = Witness(service, log)

        answer = sender.send(entry["request"])

        check_answer(answer, expected)
        each_answer = [expected, *expected.get("results", [])]
        fresh = sum(each.get("duplicate") is False for each in each_answer)
        assert witness.came_in() == ([fresh, 0], fresh, fresh)
    said = witness.said()
    # Who follows an event of their own is shown its id.
    told = "" if answer.status_code == OK else answer.text
    for value in (*PERSONAL, *entry.get("planted", []), *sender.tokens):
        assert value not in told
        assert value not in said
    lines = [json.loads(line) for line in said.splitlines()]
    assert not [line for line in lines if "exception" in line]
    audited = sorted((each["code"], each["publisher"]) for each in lines if each["logger"] == AUDIT)
    wanted = {(each["code"], each["audit"]) for each in each_answer if "audit" in each}
    assert audited == sorted(wanted)


@pytest.mark.parametrize("paths", [ENTRIES, RAW_ENTRIES], ids=["http", "http_raw"])
def test_every_entry_has_a_name_of_its_own(paths: list[Path]) -> None:
    entries = [YAML(typ="safe").load(path) for path in paths]

    assert [entry["id"] for entry in entries] == [path.stem.partition("-")[0] for path in paths]
    assert len({entry["id"] for entry in entries}) == len(entries)
    assert all(entry["says"] for entry in entries)
