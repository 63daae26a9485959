"""Every command does on a whole platform what its help says."""

from __future__ import annotations

import pytest

from tests.end_to_end.people import Parent, write

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(180)]


@pytest.fixture
def mother(joinedup, tmp_path):
    mother = Parent()
    joinedup("people", "add", write(tmp_path, "people.jsonl", mother.line()))
    return mother


def test_a_birth_goes_its_whole_way_by_commands_alone(joinedup, mother, tmp_path):
    given = joinedup("permissions", "give", "family", "hmrc", "--as", mother.sub, "--json")
    assert (given.code, given.document["choice"]) == (0, "given")

    births = write(tmp_path, "births.jsonl", mother.birth(), mother.birth())
    published = joinedup("publish", births, "--json")
    assert published.code == 0
    assert [each["duplicate"] for each in published.documents[:2]] == [False, False]
    again = joinedup("publish", births, "--json")
    assert again.documents[2]["summary"]["known"] == 2

    listened = joinedup(
        *("listen", "--as", mother.sub, "--count", 2, "--seconds", 30, "--language", "cy"),
        "--json",
    )
    assert listened.code == 0
    assert {each["title"] for each in listened.documents} == {"Gallwch hawlio Budd-dal Plant"}

    event_id = published.documents[0]["event_id"]
    progress = joinedup("event", event_id, "--json")
    assert progress.document["status"] == "decided"

    for id_ in (event_id, listened.documents[0]["prompt_id"]):
        why = joinedup("why", id_, "--json").document
        (decision,) = why["decisions"]
        nudge = next(n for n in decision["nudges"] if n["nudge"] == "family.child-benefit")
        assert nudge["outcome"] == "issued"
        stream = next(each for each in nudge["deliveries"] if each["channel"] == "stream")
        assert stream["state"] == "opened"
        assert why["trace"].endswith(why["trace_id"])

    withdrawn = joinedup("permissions", "withdraw", "family", "hmrc", "--as", mother.sub, "--json")
    assert withdrawn.document["took_effect_at"]
    history = joinedup("permissions", "history", "--as", mother.sub, "--json").document["changes"]
    assert [each["choice"] for each in history] == ["given", "withdrawn"]
    assert history[1]["previous_hash"] == history[0]["hash"]


def test_a_person_sees_who_looked_and_who_tried_to(joinedup, mother, tmp_path):
    joinedup("permissions", "give", "family", "hmrc", "--as", mother.sub)
    birth, bad = mother.birth(), mother.birth()
    bad["data"]["lawful_basis"] = "vital_interest"
    file = write(tmp_path, "births.jsonl", birth, bad)
    published = joinedup("publish", file, "--json")
    assert published.code == 1
    assert published.documents[1]["error"]["code"] == "basis_not_yours"
    opened = joinedup("listen", "--as", mother.sub, "--count", 1, "--seconds", 30, "--json")
    assert opened.code == 0

    def log(*more: str):
        asked = ("access-log", "--as", mother.sub, "--language", "en", "--json", *more)
        answer = joinedup(*asked).document
        assert not answer["incomplete"]
        return answer["entries"]

    others = [each for each in log("--others-only") if each["reader_kind"] == "publisher"]
    told = sorted((each["reader"], each["action"]) for each in others)
    assert told == [("gro", "read"), ("gro", "refused")]
    prompt_id = opened.document["prompt_id"]
    [own] = [each for each in log() if each["prompt_id"] == prompt_id]
    assert (own["reader_kind"], own["fields"][0]) == ("person", "prompt")
    shown = joinedup("access-log", "--as", mother.sub, "--language", "en")
    assert "on a legal basis of its own" in shown.out


def test_a_person_starts_at_no(joinedup, mother):
    listed = joinedup("permissions", "list", "--as", mother.sub, "--json").document

    assert {each["choice"] for each in listed["permissions"]} == {"never asked"}
    assert listed["serial"] == 0


def test_a_stranger_is_told_what_to_do(joinedup, mother):
    answer = joinedup("permissions", "list", "--as", "nobody-of-that-name", "--json")

    assert answer.code == 1
    assert "people add" in answer.document["error"]["fix"]


def test_a_bad_event_says_what_and_where(joinedup, mother, tmp_path):
    event = mother.birth()
    event["data"]["facts"]["surprise"] = True
    answer = joinedup("publish", write(tmp_path, "bad.json", event), "--json")

    assert answer.code == 1
    faults = answer.document["error"]["errors"]
    assert [(each["pointer"], each["code"]) for each in faults] == [
        ("/data/facts/surprise", "field_unknown")
    ]


def test_a_good_event_is_taken_beside_a_bad_one(joinedup, mother, tmp_path):
    bad = mother.birth() | {"type": "no.such.type.v1"}
    answer = joinedup(
        *("publish", write(tmp_path, "two.jsonl", bad, mother.birth())),
        *("--publisher", "gro", "--json"),
    )

    assert answer.code == 1
    refused, taken, _ = answer.documents
    assert refused["error"]["errors"][0]["code"] == "event_type_unknown"
    assert taken["duplicate"] is False


def test_an_unknown_id_is_told_apart(joinedup):
    answer = joinedup("why", "a" * 26, "--json")

    assert answer.code == 1
    assert answer.document["error"]["code"] == "id_unknown"


def test_nobody_listens_for_ever_unasked(joinedup, mother):
    answer = joinedup("listen", "--as", mother.sub, "--count", 1, "--seconds", 1, "--json")

    assert answer.code == 1
    assert not answer.out


def test_a_healthy_platform_is_called_healthy(joinedup):
    answer = joinedup("doctor", "--json")

    assert answer.document["healthy"], answer.out
    assert answer.code == 0
