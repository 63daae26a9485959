"""Commands say what is missing and what to do about it; nothing needs to run for that."""

import json

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from services.kit.service_tokens import generate_keypair
from tests.command_line import AsProcess, InProcess

EVENT = {
    "id": "GRO-1",
    "source": "urn:uk:register:civil-registration",
    "type": "civil-registration.birth.registered.v1",
}


@pytest.fixture
def joinedup(tmp_path):
    return InProcess(tmp_path / "home")


@pytest.fixture
def with_keys(joinedup):
    """A home with keys and addresses where nobody listens."""
    keys = joinedup.home / "keys"
    for each in ("publishers/gro", "publishers/dvla", "services/operator"):
        generate_keypair(keys / f"{each}.private.pem", keys / f"{each}.public.pem")
    (joinedup.home / "endpoints.json").write_text(
        json.dumps(
            {
                "events_http": "http://127.0.0.1:9",
                "identity_grpc": "127.0.0.1:9",
                "notifications_grpc": "127.0.0.1:9",
                "sign_in": "http://127.0.0.1:9",
                "traces": "http://127.0.0.1:9",
            }
        )
    )
    return joinedup


def write(tmp_path, text, name="event.json"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ("event", "a" * 26),
        ("listen", "--as", "mair"),
        ("permissions", "list", "--as", "mair"),
        ("permissions", "give", "family", "hmrc", "--as", "mair"),
        ("permissions", "withdraw", "family", "hmrc", "--as", "mair"),
        ("permissions", "history", "--as", "mair"),
        ("why", "a" * 26),
    ],
)
def test_without_a_platform_every_command_says_how_to_start_one(joinedup, arguments):
    told = joinedup(*arguments)
    data = joinedup(*arguments, "--json")

    assert (told.code, data.code) == (1, 1)
    assert "make up" in told.err
    assert data.document["error"]["code"] == "platform_not_running"
    assert "make up" in data.document["error"]["fix"]


def test_publishing_without_a_platform_says_so_too(joinedup, tmp_path):
    told = joinedup("publish", write(tmp_path, json.dumps(EVENT)))

    assert told.code == 1
    assert "make up" in told.err


def test_the_doctor_says_that_nothing_runs(joinedup):
    answer = joinedup("doctor", "--json")

    assert answer.code == 1
    findings = {each["name"]: each for each in answer.document["findings"]}
    assert not findings["platform"]["good"]
    assert "make up" in findings["platform"]["fix"]
    assert findings["versions"]["good"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("publish",),
        ("publish", "no-such-file.json"),
        ("publish", "x.json", "--parallel", "0"),
        ("listen",),
        ("listen", "--as", "mair", "--language", "fr"),
        ("permissions", "give", "family", "--as", "mair"),
        ("permissions", "list"),
        ("people", "add", "no-such-file.jsonl"),
        ("no-such-command",),
    ],
)
def test_bad_usage_is_told_apart_by_its_exit_code(joinedup, arguments):
    assert joinedup(*arguments).code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("publish",),
        ("event",),
        ("listen",),
        ("permissions", "give"),
        ("why",),
        ("people", "add"),
        ("doctor",),
    ],
)
def test_help_teaches_with_an_example(joinedup, arguments):
    told = joinedup(*arguments, "--help")

    assert told.code == 0
    assert "joinedup " + " ".join(arguments) in told.out


def test_the_publisher_is_found_by_what_the_event_says(with_keys, tmp_path):
    answer = with_keys("publish", write(tmp_path, json.dumps(EVENT)), "--patience", 0, "--json")

    assert answer.document["publisher"] == "gro"
    assert answer.document["error"]["code"] == "no_answer"


def test_an_event_that_names_no_known_register_needs_a_publisher(with_keys, tmp_path):
    event = EVENT | {"source": "urn:uk:register:unheard-of"}
    answer = with_keys("publish", write(tmp_path, json.dumps(event)), "--json")

    assert answer.code == 1
    assert answer.document["error"]["code"] == "publisher_unclear"
    assert "--publisher" in answer.document["error"]["fix"]
    assert "gro" in answer.document["error"]["fix"]


def test_a_publisher_without_a_key_here_is_said_to_have_none(with_keys, tmp_path):
    path = write(tmp_path, json.dumps(EVENT))
    answer = with_keys("publish", path, "--publisher", "nrs")

    # At once: nothing was begun that could be gone on with.
    assert answer.err.startswith("publisher_key_missing")
    assert answer.out == ""


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("{", "json_invalid", "event.json:1"),
        ('{"id": 1}\n{"id": \n', "json_invalid", "event.json:2"),
        ('{"id": 1}\n7\n', "json_not_an_event", "event.json:2"),
        ('[{"id": 1}, 7]', "json_not_an_event", "event.json[2]"),
    ],
)
def test_what_is_no_event_is_told_with_its_place(with_keys, tmp_path, text, code, where):
    path = write(tmp_path, text)
    answer = with_keys("publish", path, "--publisher", "gro", "--patience", 0, "--json")

    assert answer.code == 1
    errors = [each["error"] for each in answer.documents if "error" in each]
    (error,) = [each for each in errors if each["code"] == code]
    assert where in error["detail"]


def test_events_come_from_a_pipe_too(with_keys):
    command = ("publish", "-", "--patience", 0, "--json")
    answer = AsProcess(with_keys.home)(*command, stdin=json.dumps(EVENT))

    assert answer.code == 1
    assert answer.document["file"] == "-"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{", "json_invalid"),
        ("[]", "person_not_an_object"),
        ('{"nickname": "Mo"}', "field_unknown"),
        ('{"identifiers": [{"kind": "nino"}]}', "person_malformed"),
        ('{"birth_date": 1990}', "person_malformed"),
    ],
)
def test_a_line_that_is_no_person_is_told_without_its_value(with_keys, tmp_path, line, code):
    answer = with_keys("people", "add", write(tmp_path, line, "people.jsonl"), "--json")

    assert answer.code == 1
    assert answer.document["error"]["code"] == code
    assert "people.jsonl:1" in answer.document["error"]["detail"]
    assert "Mo" not in answer.out
    assert "1990" not in answer.out


def test_a_token_is_signed_with_the_key_that_is_here(with_keys):
    answer = with_keys("publishers", "token", "gro", "--jti", "GRO-1", "--seconds", 300)

    key = ECKey.import_key((with_keys.home / "keys/publishers/gro.private.pem").read_bytes())
    claims = jwt.decode(answer.out.strip(), key, ["ES256"]).claims
    assert (claims["iss"], claims["jti"]) == ("gro", "GRO-1")
    assert claims["exp"] - claims["iat"] == 300


def test_without_a_key_there_is_no_token(with_keys):
    answer = with_keys("publishers", "token", "nrs", "--json")

    assert answer.code == 1
    assert answer.document["error"]["code"] == "publisher_key_missing"
