"""Files of any size go in batches, go on where they were left, and report what was refused."""

import json
import signal
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import AsProcess, InProcess
from tests.component.client.door import Door

EXAMPLES = Path("protos/examples/files")
SOURCE = "urn:uk:register:civil-registration"
TYPE = "civil-registration.birth.registered.v1"
AWAY = (503, {"code": "log_unavailable", "title": "the log is away"})


def event(number):
    return {"id": f"GRO-{number}", "source": SOURCE, "type": TYPE}


def lines(path, *documents):
    text = (each if isinstance(each, str) else json.dumps(each) for each in documents)
    path.write_text("".join(f"{each}\n" for each in text))
    return path


def fault(pointer, code, detail="?"):
    return {"pointer": pointer, "code": code, "detail": detail}


def read(path):
    return [json.loads(each) for each in path.read_text().splitlines()]


def test_a_file_goes_in_batches_and_is_summed_up(joinedup, door, tmp_path):
    path = lines(tmp_path / "births.jsonl", *map(event, range(7)))

    answer = joinedup("publish", path, "--batch", 3, "--parallel", 1, "--json")

    assert answer.code == 0
    *documents, last = answer.documents
    assert [each["id"] for each in documents] == [f"GRO-{number}" for number in range(7)]
    assert [each["file"] for each in documents] == [f"{path}:{n}" for n in range(1, 8)]
    summary = last["summary"]
    assert (summary["events"], summary["accepted"], summary["refused"]) == (7, 7, 0)
    assert summary["complete"]
    # The last event goes alone, as one event does.
    assert [len(each) for each in door.batches] == [3, 3]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["births.jsonl", "home"]


def test_batches_are_under_way_together_and_answered_in_order(joinedup, door, tmp_path):
    path = lines(tmp_path / "births.jsonl", *map(event, range(40)))

    answer = joinedup("publish", path, "--batch", 5, "--parallel", 4, "--json")

    assert [each["id"] for each in answer.documents[:-1]] == [f"GRO-{n}" for n in range(40)]


def test_a_person_is_told_the_first_and_counted_the_rest(joinedup, door, tmp_path):
    path = lines(tmp_path / "births.jsonl", *map(event, range(30)))

    told = joinedup("publish", path)

    assert told.out.count("accepted") == 20 + 1
    assert "30 events: 30 accepted, 0 refused" in told.out
    assert not told.err


def test_what_is_refused_is_reported_mended_and_sent_again(joinedup, door, tmp_path):
    path = lines(tmp_path / "births.jsonl", *map(event, range(4)), "no json")
    door.refuse("GRO-1", code="field_unknown", errors=[fault("/data/x", "field_unknown")])

    told = joinedup("publish", path)

    report = tmp_path / "births.jsonl.refused.jsonl"
    assert told.code == 1
    assert str(report) in told.out
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    refused, broken = read(report)
    assert refused["refused"]["line"] == 2
    assert refused["refused"]["errors"] == [fault("/data/x", "field_unknown")]
    assert refused["event"] == event(1)
    assert (broken["refused"]["code"], broken["text"]) == ("json_invalid", "no json")

    door.trouble.clear()
    lines(report, refused, {**broken, "text": json.dumps(event(9))})
    assert joinedup("publish", report).code == 0
    assert {"GRO-1", "GRO-9"} <= door.admitted.keys()


def test_a_file_of_one_event_is_mended_where_it_is(joinedup, door, tmp_path):
    path = tmp_path / "birth.json"
    path.write_text(json.dumps(event(1), indent=1))
    door.refuse("GRO-1")

    assert joinedup("publish", path).code == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == ["birth.json", "home"]


def test_a_report_that_may_have_been_mended_is_not_overwritten(joinedup, door, tmp_path):
    path = lines(tmp_path / "births.jsonl", event(0), "no json")
    report = tmp_path / "births.jsonl.refused.jsonl"
    report.write_text("mended\n")

    joinedup("publish", path)

    assert (tmp_path / "births.jsonl.refused.jsonl.old").read_text() == "mended\n"
    assert len(read(report)) == 1


def test_rows_of_csv_become_events_as_the_mapping_beside_them_says(joinedup, door, births):
    answer = joinedup("publish", births, "--json")

    assert answer.code == 0
    assert [each["publisher"] for each in answer.documents[:-1]] == ["gro"] * 3
    event = door.admitted["GRO-Cardiff-2026-0102"]
    assert event["data"]["persons"][1] == {
        "role": "mother",
        "identifiers": [{"scheme": "nino", "value": "QQ123461A"}],
        "name": {"given": ["Siân", "Mari"], "family": "Prys"},
        "birth_date": "1991",
        "postcode": "CF11 9XX",
    }
    assert event["data"]["facts"] == {"multiple_birth": False}


def test_refused_rows_are_mended_in_csv_and_sent_again(joinedup, door, births):
    door.refuse(
        "GRO-Newport-2026-0077",
        code="time_future",
        errors=[fault("/data/persons/0/birth_date", "time_future", "lies in the future")],
    )
    with births.open("a") as file:
        file.write(
            'Cardiff,2026-0103,"20/11/2026 12:00,x\nCardiff,2026-0104,tomorrow' + "," * 15 + "\n"
        )

    told = joinedup("publish", births)

    assert told.code == 1
    report = births.with_name("births.csv.refused.csv")
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    header, future, quote, date = report.read_text().splitlines()
    assert header.endswith(",clerk,refused_code,refused_detail")
    assert ",time_future," in future
    assert "column born: lies in the future" in future
    assert quote.startswith('Cardiff,2026-0103,"20/11/2026 12:00,x,csv_quote,')
    assert "column registered: is no moment written as %d/%m/%Y %H:%M" in date
    assert "tomorrow" not in told.out + told.err

    door.trouble.clear()
    report.write_text(f"{header}\n{future}\n{quote}\n")
    again = joinedup("publish", report)

    assert again.code == 1
    assert "GRO-Newport-2026-0077" in door.admitted
    twice = report.with_name("births.csv.refused.csv.refused.csv").read_text().splitlines()
    assert twice == [header, quote]


def test_an_interrupted_run_goes_on_where_everything_before_is_answered(
    joinedup, counter, tmp_path
):
    door = Door()
    path = lines(tmp_path / "births.jsonl", *map(event, range(10)), "no json", event(11))
    door.refuse("GRO-1")
    counter.answers.extend([door, door, AWAY])

    command = ("publish", path, "--batch", 3, "--parallel", 1, "--patience", 0, "--json")
    first = joinedup(*command)

    assert first.code == 1
    summary = first.documents[-1]["summary"]
    assert (summary["accepted"], summary["refused"], summary["complete"]) == (5, 1, False)
    assert first.documents[-2]["error"]["code"] == "log_unavailable"

    counter.answers.clear()
    counter.answers.append(door)
    door.batches.clear()
    second = joinedup(*command)

    assert door.batches == [["GRO-6", "GRO-7", "GRO-8"], ["GRO-9", "GRO-11"]]
    summary = second.documents[-1]["summary"]
    assert (summary["events"], summary["accepted"], summary["refused"]) == (12, 10, 2)
    assert summary["complete"]
    report = read(tmp_path / "births.jsonl.refused.jsonl")
    assert [each["refused"]["line"] for each in report] == [2, 11]
    assert not path.with_name("births.jsonl.resume").exists()


def interrupted(joinedup, counter, path):
    """Publish the first of two batches."""
    door = Door()
    counter.answers.extend([door, AWAY])
    answer = joinedup("publish", path, "--batch", 2, "--parallel", 1, "--patience", 0)
    assert answer.code == 1
    assert "stopped" in answer.out
    counter.answers.clear()
    counter.answers.append(door)
    door.batches.clear()
    return door


def test_a_run_can_begin_again_at_the_beginning(joinedup, counter, tmp_path):
    path = lines(tmp_path / "births.jsonl", *map(event, range(4)))
    door = interrupted(joinedup, counter, path)

    joinedup("publish", path, "--restart", "--batch", 2, "--parallel", 1)

    assert door.batches == [["GRO-0", "GRO-1"], ["GRO-2", "GRO-3"]]


def test_a_file_that_changed_begins_again(joinedup, counter, tmp_path):
    path = lines(tmp_path / "births.jsonl", *map(event, range(4)))
    door = interrupted(joinedup, counter, path)
    lines(path, *map(event, range(10, 14)))

    joinedup("publish", path, "--batch", 2, "--parallel", 1)

    assert door.batches == [["GRO-10", "GRO-11"], ["GRO-12", "GRO-13"]]


def test_a_run_whose_report_was_taken_away_begins_again(joinedup, counter, tmp_path):
    path = lines(tmp_path / "births.jsonl", "no json", *map(event, range(3)))
    interrupted(joinedup, counter, path)
    path.with_name("births.jsonl.refused.jsonl").unlink()

    answer = joinedup("publish", path, "--json")

    assert answer.documents[-1]["summary"]["refused"] == 1
    assert len(read(path.with_name("births.jsonl.refused.jsonl"))) == 1


def test_a_file_that_is_done_is_not_sent_again_for_a_later_one(joinedup, counter, tmp_path):
    door = Door()
    one = lines(tmp_path / "one.jsonl", *map(event, range(2)))
    two = lines(tmp_path / "two.jsonl", *map(event, range(2, 4)))
    counter.answers.extend([door, AWAY])
    assert joinedup("publish", one, two, "--patience", 0).code == 1
    counter.answers.clear()
    counter.answers.append(door)
    door.batches.clear()

    answer = joinedup("publish", one, two, "--json")

    assert door.batches == [["GRO-2", "GRO-3"]]
    assert answer.documents[-1]["summary"]["events"] == 4
    assert not list(tmp_path.glob("*.resume"))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_ended_loses_nothing(how, home, counter, tmp_path):
    door = Door()
    path = lines(tmp_path / "births.jsonl", *map(event, range(200)))
    process: list[Any] = []

    def end_at_the_fifth(body, headers):
        if len(door.batches) == 5:
            process[0].send_signal(how)
            return None, None
        return door(body, headers)

    counter.answers.append(end_at_the_fifth)
    with AsProcess(home).started("publish", path, "--batch", 10, "--parallel", 2) as begun:
        process.append(begun)
        assert begun.wait(60) != 0

    counter.answers.append(door)
    counter.answers.popleft()
    answer = InProcess(home)("publish", path, "--batch", 10, "--json")

    assert answer.code == 0
    assert set(door.admitted) == {f"GRO-{number}" for number in range(200)}
    assert answer.documents[-1]["summary"]["accepted"] == 200
    # Of what was answered before the end, two batches at most were sent again.
    assert sum(each > 1 for each in door.tries.values()) <= 20


def test_an_array_and_stdin_are_read_too(home, door, tmp_path):
    path = tmp_path / "births.json"
    path.write_text(json.dumps([event(1), event(2)], indent=1))
    joinedup = AsProcess(home)

    assert joinedup("publish", path, "--json").documents[0]["file"] == f"{path}[1]"
    piped = joinedup("publish", "-", "--json", stdin="no json\n" + json.dumps(event(3)) + "\n")

    assert piped.code == 1
    assert set(door.admitted) == {"GRO-1", "GRO-2", "GRO-3"}


def test_csv_comes_from_a_pipe_with_its_mapping(home, door):
    mapping = EXAMPLES / "moves.mapping.yaml"
    text = (EXAMPLES / "moves.csv").read_text()

    answer = AsProcess(home)("publish", "-", "--mapping", mapping, "--json", stdin=text)

    assert answer.code == 0
    assert len(door.admitted) == 3


def test_on_a_terminal_a_bar_shows_how_far_it_is(home, door, tmp_path):
    path = lines(tmp_path / "births.jsonl", *(event(n) | {"x": "x" * 2_000} for n in range(200)))

    shown = AsProcess(home).on_a_terminal("publish", path, "--batch", 50)

    assert "publishing" in shown
    assert "200 events, 0 refused" in shown
    assert "200 events: 200 accepted" in shown


def test_a_caller_who_is_not_believed_is_told_what_to_do(joinedup, counter, tmp_path):
    counter.answers.append((401, {"code": "token_key", "detail": "no such key"}))
    path = lines(tmp_path / "births.jsonl", *map(event, range(5)))

    answer = joinedup("publish", path, "--json")

    assert answer.code == 1
    errors = [each["error"]["code"] for each in answer.documents if "error" in each]
    assert errors == ["token_key"]


def test_a_folder_that_cannot_be_written_to_is_told(joinedup, door, tmp_path):
    path = lines(tmp_path / "births.jsonl", *map(event, range(4)))
    path.with_name("births.jsonl.resume.new").mkdir()

    answer = joinedup("publish", path, "--batch", 2, "--parallel", 1, "--json")

    assert answer.code == 1
    assert answer.documents[-1]["error"]["code"] == "file_failed"
