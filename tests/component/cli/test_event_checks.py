"""`joinedup events check` says what the door says, and where in the file."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from joinedup.cli.event_checks import Checking, items, register
from tests.builders import an_event_body
from tests.command_line import InProcess
from tests.corpus import http_bodies

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GOLDEN = sorted((Path(__file__).parents[3] / "protos" / "examples" / "events").glob("*.json"))
# Entries that are about the body of one event and nothing else; in a file, a list holds several.
BODIES = [
    entry
    for entry in http_bodies.entries()
    if entry["request"].keys() & {"text", "hex", "event"}
    and not entry["request"].keys() & {"headers", "path", "method"}
    and "before" not in entry
    and entry["expect"]["status"] in {400, 413, 422}
    and not (http_bodies.content(entry["request"], entry["id"]) or b"").startswith(b"[")
]


@pytest.fixture
def joinedup(tmp_path):
    return InProcess(tmp_path / "no-platform")


@pytest.fixture(scope="module")
def checking():
    return Checking(register(), "gro", NOW)


def found_in(checking, content, **options):
    return [
        checking.document(Path("events.json"), each)["error"]
        for each in items(io.BytesIO(content), **options)
    ]


@pytest.mark.parametrize("entry", BODIES, ids=lambda entry: entry["id"])
def test_every_bad_body_is_told_as_the_door_tells_it(entry, checking):
    expected = entry["expect"]

    (error,) = found_in(checking, http_bodies.content(entry["request"], entry["id"]))

    assert error["code"] == expected["code"]
    told = [{"pointer": each["pointer"], "code": each["code"]} for each in error["errors"]]
    assert told == expected.get("errors", [{"pointer": "", "code": expected["code"]}])
    for value in entry.get("planted", ()):
        assert value not in json.dumps(error)


def test_there_are_many_bad_bodies():
    assert len(BODIES) > 30


def test_golden_events_are_good_whoever_sends_them(joinedup):
    done = joinedup("events", "check", *GOLDEN, "--json")

    assert done.code == 0
    assert [each["error"] for each in done.documents] == [None] * len(GOLDEN)
    for path, each in zip(GOLDEN, done.documents, strict=True):
        sender = register().publisher(each["publisher"])
        assert sender is not None
        assert sender.speaks_for(json.loads(path.read_text())["source"])


def test_each_fault_is_shown_with_its_line(joinedup, tmp_path):
    body = an_event_body(data={"nation": "FR"})
    del body["data"]["persons"][1]["role"]
    path = tmp_path / "birth.json"
    path.write_text(json.dumps(body, indent=2))
    lines = path.read_text().splitlines()

    done = joinedup("events", "check", path)

    assert done.code == 1
    *told, last = done.out.splitlines()
    assert last == "0 good, 1 not; nothing was sent"
    places = [line.split(": ", 1) for line in told]
    assert {
        what.split()[0]: lines[int(where.rpartition(":")[2]) - 1] for where, what in places
    } == {
        "/data/nation": '    "nation": "FR",',
        "/data/persons": '    "persons": [',
        "/data/persons/1/role": "      {",
    }
    assert "FR" not in done.out


def test_lines_of_json_are_checked_each_by_itself(joinedup, tmp_path):
    good = json.dumps(an_event_body())
    bad = json.dumps(an_event_body(id=""))
    path = tmp_path / "events.jsonl"
    path.write_text(f"{good}\n\n{bad}\n{{broken\n{good}\n")

    done = joinedup("events", "check", path, "--json")

    assert done.code == 1
    assert [(each["line"], (each["error"] or {}).get("code")) for each in done.documents] == [
        (1, None),
        (3, "text_too_short"),
        (4, "json_invalid"),
        (5, None),
    ]


def test_a_list_of_events_is_checked_each_by_itself(joinedup):
    listed = json.dumps([an_event_body(), an_event_body(specversion="0.3"), 7], indent=1)

    done = joinedup("events", "check", "-", "--json", stdin=listed)

    first, second, third = done.documents
    assert first["error"] is None
    assert second["error"]["errors"][0]["pointer"] == "/specversion"
    assert listed.splitlines()[second["error"]["errors"][0]["line"] - 1].strip() == (
        '"specversion": "0.3",'
    )
    assert third["error"]["code"] == "type_wrong"


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"", "body_empty", 1),
        (b"\n\n", "body_empty", 1),
        (b'\n{\n"a": }', "json_invalid", 3),
        (b"[\n{}\n}", "json_invalid", 3),
        (b'{"a": "' + b"x" * 70_000 + b'"}', "body_too_large", 1),
    ],
)
def test_what_cannot_be_read_is_told_with_the_line_where_that_was_noticed(
    checking, content, code, line
):
    (error,) = found_in(checking, content)

    assert (error["code"], error["errors"][0]["line"]) == (code, line)


def test_a_publisher_may_be_named_and_must_then_be_the_right_one(joinedup):
    done = joinedup("events", "check", GOLDEN[0], "--publisher", "dvla", "--json")

    assert (done.code, done.document["error"]["code"]) == (1, "scope_denied")


def test_an_event_of_a_sandbox_is_checked_as_its_own(joinedup, tmp_path):
    event = json.loads(GOLDEN[0].read_bytes()) | {"source": "urn:uk:sandbox"}
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event))

    done = joinedup("events", "check", path, "--json")

    assert (done.document["publisher"], done.document["error"]) == ("sandbox", None)


def test_in_production_a_number_that_is_never_issued_is_refused(joinedup):
    birth = next(path for path in GOLDEN if path.name == "birth.json")

    done = joinedup("events", "check", birth, "--production", "--json")

    assert (done.code, done.document["error"]["code"]) == (1, "nino_invalid")


def test_a_file_that_is_not_there_is_bad_usage(joinedup):
    assert joinedup("events", "check", "nothing.json").code == 2
