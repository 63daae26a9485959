"""A dry run says what the platform would, as far as that can be seen, and sends nothing."""

import json
from pathlib import Path

import pytest

from services.events.adapters.catalogue_files import CatalogueFiles

EVENT = {
    "id": "GRO-1",
    "source": "urn:uk:register:civil-registration",
    "type": "civil-registration.birth.registered.v1",
}


@pytest.fixture
def types(counter):
    """The platform's answers about its types; it is sent no event."""
    known = CatalogueFiles(Path("catalogue"), Path("protos/examples"), fictitious=True)

    def answer(body, _headers):
        assert not body
        found = known.event_type(counter.paths[-1].rpartition("/")[2])
        return (200, {"schema": known.schema(found)}) if found else (404, {"code": "not_found"})

    counter.answers.append(answer)


def test_a_dry_run_says_what_the_platform_would_and_sends_nothing(joinedup, types, births):
    with births.open("a") as file:
        file.write("Cardiff,2026-0103,20/11/2099 12:00,18/11/2026,X,,Rees,,,,,,,,,,N,JP\n")

    answer = joinedup("publish", births, "--dry-run", "--json")

    assert answer.code == 1
    *fitting, refused, last = answer.documents
    assert [each["fits"] for each in fitting] == [True] * 3
    assert {each["code"] for each in refused["error"]["errors"]} == {
        "time_future",
        "value_not_allowed",
        "role_missing",
    }
    assert last["summary"]["refused"] == 1
    report = births.with_name("births.csv.refused.csv").read_text()
    assert "column sex: is not one of the allowed values: F, M" in report


def test_a_dry_run_knows_the_types_there_are(joinedup, types, tmp_path):
    path = tmp_path / "births.jsonl"
    path.write_text(f"{json.dumps(EVENT | {'type': 'no.such.v1'})}\n{json.dumps(EVENT)}\n")

    answer = joinedup("publish", path, "--dry-run", "--publisher", "gro", "--json")

    codes = [each["error"]["code"] for each in answer.documents[:-1]]
    assert codes == ["event_type_unknown", "field_required"]


@pytest.mark.parametrize(
    ("trouble", "code"), [((None, None), "no_answer"), ((503, {}), "http_503")]
)
def test_a_dry_run_without_an_answer_says_so(joinedup, counter, tmp_path, trouble, code):
    counter.answers.append(trouble)
    path = tmp_path / "birth.json"
    path.write_text(json.dumps(EVENT))

    answer = joinedup("publish", path, "--dry-run", "--json")

    assert answer.code == 1
    assert answer.document["error"]["code"] == code
