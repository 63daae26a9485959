"""All ways in are one door: the same event id, or the same refusal in the same words."""

from __future__ import annotations

import copy
import itertools
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from joinedup.events.v1.life_events_pb2_grpc import LifeEventsStub
from tests.corpus import http_bodies
from tests.integration.events.ways import Json, Outcome, Streamed, Structured, ways
from tests.laws import law

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = {
    path.stem: json.loads(path.read_bytes())
    for path in sorted((ROOT / "protos" / "examples" / "events").glob("*.json"))
}
PUBLISHERS = {
    (source, name): entry["id"]
    for entry in map(YAML(typ="safe").load, (ROOT / "catalogue" / "publishers").glob("*.yaml"))
    for source in entry["sources"]
    for name in entry["types"]
}
NUMBERS = itertools.count()

# What a field may hold that it should not, or what it does no harm to hold.
VALUES = st.sampled_from(
    [
        *(None, True, 0, 7, -1, 1.5, 2**53, [], {}, [1], {"a": 1}),
        *("", "X", "a" * 300, "é", "e\u0301", "Ada\u202e", "\t", "registered", "nino"),
        *("2026-02-30", "2099-01-01", "1850-01-01", "2026-11-18T10:00:00", "2026", "2026-11-18Z"),
        *("2026-11-20T10:00:00Z", "QQ123456C", "BG123456A", "CF10 1AA", "not.a.type.v1"),
    ]
)


def places(told: Any, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in an event, the event itself left out."""
    inside: Any = ()
    if isinstance(told, dict):
        inside = told.items()
    elif isinstance(told, list):
        inside = enumerate(told)
    found = []
    for name, each in inside:
        found += [(*above, name), *places(each, (*above, name))]
    return found


@st.composite
def broken(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """A golden event with one to three things done to it, and its publisher."""
    told = copy.deepcopy(EXAMPLES[draw(st.sampled_from(sorted(EXAMPLES)))])
    publisher = PUBLISHERS[told["source"], told["type"]]
    told["id"] = f"ways-{next(NUMBERS)}"
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places(told)))
        holder: Any = told
        for part in place[:-1]:
            holder = holder[part]
        match draw(st.sampled_from(["drop", "put", "put", "add"])):
            case "drop":
                del holder[place[-1]]
            case "put":
                holder[place[-1]] = copy.deepcopy(draw(VALUES))
            case "add" if isinstance(holder, dict):
                holder[draw(st.sampled_from(["surprise", "sequence", "supersedes"]))] = (
                    copy.deepcopy(draw(VALUES))
                )
    return told, publisher


@pytest.fixture(scope="module")
def stub(service):
    with grpc.insecure_channel(service.target) as channel:
        yield LifeEventsStub(channel)


def told_alike(every: dict[str, Outcome]) -> None:
    """Hold all answers to the first one's: the one that came in, or each refusal the same."""
    first, *others = every.values()
    for name, answer in zip(list(every)[1:], others, strict=True):
        expected = replace(first, duplicate=True) if first.event_id else first
        assert answer == expected, f"{name} and {next(iter(every))} do not say the same"


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_event_sent_one_way_is_a_duplicate_in_every_other(service, stub, example):
    told = EXAMPLES[example]
    publisher = PUBLISHERS[told["source"], told["type"]]
    every = ways(service, stub)
    assert all(way.carries(told) for way in every)

    for turn, _ in enumerate(every):
        first, *others = every[turn:] + every[:turn]
        body = {**told, "id": f"{example}-{turn}"}
        admitted = first.publish(body, publisher)

        assert admitted == Outcome(admitted.event_id, duplicate=False), first.name
        assert {way.publish(body, publisher) for way in others} == {
            replace(admitted, duplicate=True)
        }


def test_what_is_wrong_is_told_in_the_same_words_in_every_way(service, stub):
    every = ways(service, stub)
    carried: Counter[str] = Counter()
    refused: Counter[str] = Counter()

    @law
    @given(broken())
    def alike(made):
        told, publisher = made
        answers = {way.name: way.publish(told, publisher) for way in every if way.carries(told)}
        told_alike(answers)
        carried.update(list(answers))
        refused.update(name for name, answer in answers.items() if answer.code)

    alike()

    # A law about events that only one way can carry would say nothing.
    assert all(refused[way.name] > 5 for way in every), (carried, refused)


TEXTS = [
    entry
    for entry in http_bodies.entries()
    if not {"headers", "method", "path", "token"} & entry["request"].keys()
    and not entry.get("before")
]


@pytest.mark.parametrize("entry", TEXTS, ids=lambda entry: entry["id"])
def test_bad_input_in_json_is_told_in_the_same_words_in_every_way(service, stub, entry):
    text = http_bodies.content(entry["request"], entry["id"]) or b""

    answers = {
        way.name: way.publish_text(text, "gro")
        for way in (Structured(service), Json(service, stub), Streamed(service, stub))
    }

    told_alike(answers)
    assert answers["HTTP structured"].code == entry["expect"]["code"]
