"""Bad input on a publisher's own topic: what HTTP refuses, and what only a record can do wrong.

Everything is written once to the real process with real stores, and each entry must come back with
its code, the words that HTTP has for it, and an audit line exactly where its entry says so. Nothing
else may be left behind, and nothing that was sent may stand in a log.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from services.kit.ids import new_random_id
from tests.corpus import http_bodies
from tests.corpus.publisher_tokens import token_of
from tests.events_service import STRUCTURED, EventsService, Log, rows_of
from tests.inbound_topic import InboundTopic, Letter, NoText

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

OWN = sorted((Path(__file__).parent / "kafka_inbound").glob("*.yaml"))
AUDIT = "services.events.audit"
PERSONAL = ("QQ123456C", "Mair", "Bevan", "CF10 1AA", "1994-02-03", "GRO-2026", "corpus-", "eyJ")
WRITTEN = "SELECT (SELECT count(*) FROM admissions), (SELECT count(*) FROM decided)"
# What only a request can do: another method or path, several events, a token that is used up, a
# connection that misbehaves, a header whose value is encoded.
HTTP_ALONE = {"method", "path", "items"}
BATCH = "application/cloudevents-batch+json"
STATUSES = {400, 401, 403, 413, 415, 422, 431}
# Of a body that is too large HTTP reads nothing, not even how it carries its events.
TOLD = {"type", "title", "status", "code", "detail", "errors"}


def stands_on_kafka_too(entry: dict[str, Any]) -> bool:
    request, headers = entry["request"], entry["request"].get("headers", {})
    encoded = [name for name, text in headers.items() if name[:3] == "ce-" and set(text) & {*'%"'}]
    return not (
        HTTP_ALONE & request.keys()
        or {"meanwhile", "no_token_can_name_it"} & entry.keys()
        or entry["expect"]["status"] not in STATUSES
        or request.get("token") == "again"
        or headers.get("content-type") == BATCH
        or encoded
    )


SHARED = {
    f"http/{path.stem}": entry
    for path, entry in zip(http_bodies.ENTRIES, http_bodies.entries(), strict=True)
    if stands_on_kafka_too(entry)
}
ENTRIES = SHARED | {path.stem: YAML(typ="safe").load(path) for path in OWN}
REFUSED = [name for name, entry in ENTRIES.items() if "admitted" not in entry["expect"]]


@dataclass
class Written:
    """What was sent for an entry, and what came of it."""

    topic: InboundTopic
    offset: int
    value: bytes | None
    token: str
    headers: list[tuple[str, bytes]]
    over_http: dict[str, Any] = field(default_factory=dict)

    @property
    def letter(self) -> Letter | None:
        found = [each for each in self.topic.letters() if each.offset == self.offset]
        assert len(found) < 2
        return found[0] if found else None


@dataclass
class Ran:
    """The whole corpus, written and answered."""

    entries: dict[str, Written]
    left_behind: tuple[Any, Any]
    asked: int
    on_log: int
    said: str


class Writer:
    """Turns entries into records, each on the topic of its publisher."""

    def __init__(self, service: EventsService) -> None:
        self.service = service
        self.topics: dict[str, InboundTopic] = {}
        self._tokens: dict[str, str] = {}

    def write(self, entry: dict[str, Any], request: dict[str, Any]) -> Written:
        value = http_bodies.content(request, entry["id"])
        headers = {
            name.replace("ce-", "ce_"): text for name, text in request.get("headers", {}).items()
        }
        token = self._token(entry["id"], request, value, headers)
        raw = [
            *([("authorization", f"Bearer {token}".encode())] if token else []),
            *([] if "content-type" in headers else [("content-type", STRUCTURED.encode())]),
            *((name, _bytes(text)) for name, text in headers.items()),
            *((f"h{number}", b"x" * 10) for number in range(entry.get("filler", 0))),
            *([(NoText("x"), b"x")] if entry.get("unreadable") else []),
        ]
        topic = self._topic(entry, request)
        key = entry["key"].encode() if "key" in entry else None
        offset = topic.put_raw(value, raw, key, entry.get("timestamp_ms"))
        return Written(topic, offset, value, token, raw)

    def over_http(self, written: Written) -> dict[str, Any]:
        """What the same is answered as a request."""
        headers = [(name.replace("ce_", "ce-").encode(), value) for name, value in written.headers]
        answer = self.service.http.post("/v1/events", content=written.value or b"", headers=headers)
        found: dict[str, Any] = answer.json()
        return found

    def _topic(self, entry: dict[str, Any], request: dict[str, Any]) -> InboundTopic:
        token = request.get("token", {})
        name = entry.get("topic") or (token.get("publisher") if isinstance(token, dict) else None)
        publisher = name or "gro"
        if publisher not in self.topics:
            self.topics[publisher] = InboundTopic(self.service, publisher)
        return self.topics[publisher]

    def _token(
        self, entry_id: str, request: dict[str, Any], value: bytes | None, headers: dict[str, Any]
    ) -> str:
        wanted = request.get("token", {})
        if wanted == "none":
            return ""
        if wanted != "again":
            claims = {"jti": _event_id(value, headers), **wanted.get("claims", {})}
            self._tokens[entry_id] = token_of(self.service, {**wanted, "claims": claims})
        return self._tokens[entry_id]


def _event_id(value: bytes | None, headers: dict[str, Any]) -> str:
    """The id that the token has to be bound to; any, where the event names none."""
    try:
        told = json.loads(value or b"")
    except (ValueError, RecursionError):
        told = None
    named = told.get("id") if isinstance(told, dict) else None
    named = named or headers.get("ce_id")
    return named if isinstance(named, str) and named.isprintable() else new_random_id()


def _bytes(text: Any) -> bytes:
    return bytes.fromhex(text["hex"]) if isinstance(text, dict) else str(text).encode()


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, kafka_bootstrap: str, module_database_url: str
) -> Iterator[EventsService]:
    folder = tmp_path_factory.mktemp("inbound")
    with EventsService(folder, kafka=kafka_bootstrap, database_url=module_database_url) as started:
        yield started


@pytest.fixture(scope="module")
def ran(service: EventsService, module_database_url: str) -> Iterator[Ran]:
    writer = Writer(service)
    for entry in ENTRIES.values():
        for before in entry.get("before", ()):
            writer.write(entry, before)
    for topic in writer.topics.values():
        topic.settle()
    log = Log(service.kafka)
    stood, asked = rows_of(module_database_url, WRITTEN), len(service.identity.asked)
    written = {name: writer.write(entry, entry["request"]) for name, entry in ENTRIES.items()}
    for topic in writer.topics.values():
        topic.settle()
    answered = Ran(
        written,
        (stood, rows_of(module_database_url, WRITTEN)),
        len(service.identity.asked) - asked,
        len(log.new()),
        service.log_text(),
    )
    for name in SHARED:
        written[name].over_http = writer.over_http(written[name])
    yield answered
    log.close()
    for topic in writer.topics.values():
        topic.close()


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_comes_back_with_its_answer(name: str, ran: Ran) -> None:
    entry, written = ENTRIES[name], ran.entries[name]
    expected, letter = entry["expect"], written.letter
    assert letter is not None

    problem = letter.problem
    assert letter.code == problem["code"] == expected["code"]
    assert problem["status"] == expected["status"]
    assert [
        {"pointer": each["pointer"], "code": each["code"]} for each in problem["errors"]
    ] == expected.get("errors", [])
    for part in expected.get("says", []):
        assert part in json.dumps(problem)
    for value in (*PERSONAL, *entry.get("planted", ())):
        assert value not in json.dumps(problem)
    if not entry.get("unreadable"):
        assert letter.value == written.value


@pytest.mark.parametrize("name", SHARED)
def test_the_answer_is_the_one_of_http(name: str, ran: Ran) -> None:
    written = ran.entries[name]
    assert written.letter is not None

    over_http = written.over_http

    same = TOLD - {"title"} if over_http["code"] == "body_too_large" else TOLD
    assert {each: written.letter.problem[each] for each in same} == {
        each: over_http[each] for each in same
    }


@pytest.mark.parametrize("name", sorted(ENTRIES.keys() - set(REFUSED)))
def test_what_is_no_mistake_comes_in(name: str, ran: Ran) -> None:
    assert ran.entries[name].letter is None


def test_nothing_is_left_behind_but_what_was_no_mistake(ran: Ran) -> None:
    ((admitted, decided),), ((admitted_now, decided_now),) = ran.left_behind
    fresh = [
        entry
        for entry in ENTRIES.values()
        if "admitted" in entry["expect"] and "before" not in entry
    ]

    assert (admitted_now - admitted, decided_now - decided) == (len(fresh), 0)
    assert (ran.asked, ran.on_log) == (len(fresh), len(fresh))


def test_what_looks_like_an_attack_is_audited_and_nothing_else_is(ran: Ran) -> None:
    lines = [json.loads(line) for line in ran.said.splitlines()]
    audited = Counter(
        (each["code"], each["publisher"]) for each in lines if each["logger"] == AUDIT
    )

    assert audited == Counter(
        (entry["expect"]["code"], entry["expect"]["audit"])
        for entry in ENTRIES.values()
        if "audit" in entry["expect"]
    )


def test_nothing_that_was_sent_stands_in_a_log(ran: Ran) -> None:
    planted = [value for entry in ENTRIES.values() for value in entry.get("planted", ())]

    assert not [value for value in (*PERSONAL, *planted) if value in ran.said]


def test_every_entry_has_a_name_of_its_own() -> None:
    entries = [YAML(typ="safe").load(path) for path in OWN]

    assert [entry["id"] for entry in entries] == [path.stem.partition("-")[0] for path in OWN]
    assert all(entry["says"] for entry in entries)
