"""A mapping that is not good says where and why; rows that do not fit it name their column."""

import pytest

from services.kit.service_tokens import generate_keypair
from tests.command_line import InProcess

GOOD = """\
type: residence.address.moved.v1
source: urn:uk:council-tax:cardiff
id:
  columns: [reference]
columns:
  told: {to: [time, data.registered_at]}
  moved: {to: data.occurred, date: "%d/%m/%Y"}
"""
HEADER = "reference,told,moved\n"
ROW = "R-1,2026-11-16T16:10:00Z,14/11/2026\n"


@pytest.fixture
def joinedup(tmp_path):
    made = InProcess(tmp_path / "home")
    keys = made.home / "keys" / "publishers"
    name = "council-cardiff"
    generate_keypair(keys / f"{name}.private.pem", keys / f"{name}.public.pem")
    (made.home / "endpoints.json").write_text('{"events_http": "http://127.0.0.1:9"}')
    return made


@pytest.fixture
def publish(joinedup, tmp_path):
    def publish(mapping=GOOD, text=HEADER + ROW):
        (tmp_path / "moves.mapping.yaml").write_text(mapping)
        (tmp_path / "moves.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        return joinedup("publish", tmp_path / "moves.csv", "--patience", 0, "--json")

    return publish


@pytest.mark.parametrize(
    ("wrong", "place", "code"),
    [
        (GOOD + "\tx: y\n", "8:1", "yaml_invalid"),
        (GOOD + "colour: red\n", "8:1", "field_unknown"),
        (GOOD.replace("type: residence.address.moved.v1\n", ""), "1:1", "field_required"),
        (GOOD.replace("  columns: [reference]", "  columns: []"), "4:3", "list_too_short"),
        (GOOD.replace("data.occurred", "persons.x"), "7:11", "value_invalid"),
        (GOOD.replace("data.occurred", "data.persons"), "7:11", "target_invalid"),
        (GOOD.replace("data.occurred", "data.registered_at"), "7:11", "target_twice"),
        (GOOD.replace("[time, data.registered_at]", "data.registered_at"), "5:1", "time_missing"),
        (GOOD.replace('date: "%d/%m/%Y"', 'date: "%d/%b/%Y"'), "7:30", "value_invalid"),
        (GOOD.replace('date: "%d', 'split: " ", date: "%d'), "7:3", "conversions"),
        (
            GOOD.replace('date: "%d/%m/%Y"', 'moment: "%d/%m/%Y", zone: Europe/Cardiff'),
            "7:50",
            "zone_unknown",
        ),
        (GOOD.replace('date: "%d/%m/%Y"', 'moment: "%d/%m/%Y"'), "7:3", "field_required"),
        (GOOD + "constants: {data.occurred: x}\n", "8:13", "target_twice"),
    ],
)
def test_a_mapping_that_is_not_good_says_where(publish, wrong, place, code):
    answer = publish(wrong)

    assert answer.code == 2
    error = answer.document["error"]
    assert error["code"] == "mapping_invalid"
    found = [(each["place"].partition("yaml:")[2], each["code"]) for each in error["errors"]]
    assert (place, code) in found


def test_a_person_is_told_file_line_and_column(joinedup, tmp_path):
    (tmp_path / "moves.mapping.yaml").write_text(GOOD + "colour: red\n")
    (tmp_path / "moves.csv").write_text(HEADER + ROW)

    told = joinedup("publish", tmp_path / "moves.csv")

    assert told.code == 2
    assert f"{tmp_path / 'moves.mapping.yaml'}:8:1: field_unknown" in told.err


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "header_missing"),
        ("\n" + HEADER + ROW, "header_missing"),
        (b"reference,t\xff,moved\n", "header_missing"),
        ("reference,moved\n", "column_missing"),
        ("reference,told,moved,told\n", "column_twice"),
        ("reference,told,moved,Nerys Vaughan\n", "column_unknown"),
    ],
)
def test_a_header_that_does_not_fit_is_told_without_what_may_be_data(publish, text, code):
    answer = publish(text=text)

    assert answer.code == 1
    assert answer.document["error"]["code"] == code
    assert answer.document["error"]["fix"]
    assert "Nerys" not in answer.out


@pytest.mark.parametrize(
    ("row", "code", "pointer", "detail"),
    [
        (",2026-11-16T16:10:00Z,14/11/2026", "field_required", "/id", "column reference"),
        ("R-1,2026-11-16T16:10:00Z,14.11.2026", "time_invalid", "/data/occurred", "column moved"),
    ],
)
def test_a_row_that_does_not_fit_names_its_column(publish, row, code, pointer, detail):
    answer = publish(text=f"{HEADER}{row}\n")

    (fault,) = answer.document["error"]["errors"]
    assert (fault["code"], fault["pointer"]) == (code, pointer)
    assert fault["detail"].startswith(detail)
    assert "14.11.2026" not in answer.out


def test_csv_without_a_mapping_says_what_to_write(joinedup, tmp_path):
    (tmp_path / "moves.csv").write_text(HEADER + ROW)

    answer = joinedup("publish", tmp_path / "moves.csv", "--json")

    assert answer.document["error"]["code"] == "mapping_missing"
    assert "--mapping" in answer.document["error"]["fix"]
