"""Every entry of tests/corpus/kafka on a real log, before one worker that survives them all."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from services.kit.ids import new_random_id
from services.kit.yaml_file import read_yaml
from tests.unit.nudges.builders import a_record, encoded
from tests.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

CORPUS = Path(__file__).resolve().parents[2] / "corpus" / "kafka"
FILES = sorted(CORPUS.glob("*.yaml"))
ENTRIES = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@pytest.fixture(scope="module")
def worker(module_worker):
    return module_worker.start().wait_ready()


class Written:
    """An entry as a record."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.subject = new_random_id()
        self.value, headers = self._value(asked["value"])
        key = asked.get("key", {"text": self.subject})
        self.key = key["text"].encode() if key else None
        self.headers = self._headers(asked.get("headers", {}), dict(headers))
        self.times = asked.get("times", 1)

    def _value(self, asked: Any) -> tuple[bytes | None, Any]:
        ours = encoded(a_record(subject=self.subject, event_id=new_random_id()))
        if asked is None or asked == "":
            return (None if asked is None else b""), ours.headers
        if "random_bytes" in asked:
            return random.Random(1).randbytes(asked["random_bytes"]), ours.headers
        record = encoded(
            a_record(
                **{"subject": self.subject, "event_id": new_random_id(), **asked["life_event"]}
            )
        )
        return record.value, record.headers

    def _headers(self, asked: Any, ours: dict[str, bytes]) -> list[tuple[str, bytes]]:
        if asked == "none":
            return []
        filler = [(f"h{each}", b"x") for each in range(asked.get("filler", 0))]
        changed = {name: text.encode() for name, text in asked.items() if name != "filler"}
        return [*{**ours, **changed}.items(), *filler]


@ENTRIES
def test_an_entry_becomes_what_it_must(file, log, worker):
    entry = read_yaml(file).data
    written = Written(entry["record"])
    put = [
        log.put("life-events.v1", written.key, written.value, written.headers)
        for _ in range(written.times)
    ]
    good = a_record(subject=new_random_id(), event_id=new_random_id())

    log.put_message("life-events.v1", good)

    expected = entry["expect"]
    eventually(
        lambda: good.event_id in [each.event_id for each in log.decisions()], 30, worker.said
    )
    if "dead_letter" in expected:
        eventually(lambda: letters(log, put), 30, worker.said)
        ((reason, letter),) = letters(log, put)
        assert reason == expected["dead_letter"]
        assert (letter.key, letter.value) == (written.key, written.value)
    else:
        eventually(lambda: len(mine(log, written)) == expected["decisions"], 30, worker.said)
        ids = [[nudge.prompt_id for nudge in each.nudges] for each in mine(log, written)]
        assert ids[0] == ids[1]
        assert letters(log, put) == []
    assert len(mine(log, written)) == expected.get("decisions", 0)
    eventually(lambda: log.lag() == 0, 30, worker.said)
    assert worker.running()


def letters(log, put):
    """The dead letters of these records."""
    places = {(f"{each.partition}".encode(), f"{each.offset}".encode()) for each in put}
    return [
        (reason, letter)
        for reason, letter in log.letters()
        if (dict(letter.headers)["dl_partition"], dict(letter.headers)["dl_offset"]) in places
    ]


def mine(log, written):
    return [each for each in log.decisions() if each.subject == written.subject]


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_poison_anywhere_in_a_chunk_takes_nothing_with_it(place, log, worker):
    subject = new_random_id()
    records = [encoded(a_record(subject=subject, event_id=new_random_id())) for _ in range(9)]
    poison = {"first": 0, "middle": 4, "last": 8}[place]

    put = log.put_chunk(
        "life-events.v1",
        subject.encode(),
        [
            (b"\xff" if at == poison else each.value, each.headers)
            for at, each in enumerate(records)
        ],
    )

    def decided():
        return [
            dict(each.headers)["ce_id"]
            for each in log.new("decisions.v1")
            if each.key == subject.encode()
        ]

    eventually(lambda: len(decided()) + len(letters(log, put)) >= 9, 30, worker.said)
    good = [dict(each.headers)["ce_id"] for at, each in enumerate(records) if at != poison]
    assert decided() == good
    assert [reason for reason, _ in letters(log, put)] == ["decode"]


def test_ten_thousand_poisoned_records_do_not_end_the_worker(log, worker):
    put = log.put_chunk("life-events.v1", b"x", [(b"\xff\xfe", []) for _ in range(10_000)])

    eventually(lambda: log.lag() == 0, 60, worker.said)

    assert worker.running()
    assert len(letters(log, put)) == 10_000
