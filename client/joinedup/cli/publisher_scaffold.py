"""What a new publisher begins with: an event that its type takes, and a test to run against it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from string import Template
from typing import Any, Final

_TEST: Final = Template('''\
"""$id publishes, is known again, and is told what is wrong and where.

Run it while a platform is up: pytest $path
"""

import json
import uuid
from pathlib import Path

import pytest

from joinedup.client import Publisher, Refused

HERE = Path(__file__).resolve().parent
EXAMPLE = json.loads((HERE / "example.json").read_text(encoding="utf-8"))


@pytest.fixture
def publisher():
    with Publisher.from_home("$id", home=HERE.parents[1]) as opened:
        yield opened


@pytest.fixture
def event():
    # An id of its own in every run: the same id and content is the same event, for ever.
    return {**EXAMPLE, "id": f"{EXAMPLE['id']}-{uuid.uuid4()}"}


def test_an_event_is_taken_once_however_often_it_is_sent(publisher, event):
    first = publisher.publish(event)  # 202; anything else would be raised
    again = publisher.publish(event)

    assert not first.duplicate
    assert again.duplicate
    assert again.event_id == first.event_id


def test_a_mistake_is_told_with_its_place(publisher, event):
    event["data"] = {name: each for name, each in event["data"].items() if name != "occurred"}

    with pytest.raises(Refused) as refused:
        publisher.publish(event)

    assert refused.value.code == "field_required"
    assert refused.value.pointers == ("/data/occurred",)
''')


def example_for(
    publisher: str, source: str, golden: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """A type's golden event as the publisher's own of today, about somebody of the sandbox.

    Whoever it is about would get their prompts: the numbers are those of `simulate-delivered`.
    """
    told = golden["data"]
    moment, day = f"{now:%Y-%m-%dT%H:%M:%SZ}", f"{now - timedelta(days=1):%Y-%m-%d}"
    occurred = told["occurred"]
    # What happened on the day itself, such as being born, goes on doing so.
    persons = [_simulated(each, {occurred: day}) for each in told["persons"]]
    data = {**told, "occurred": day, "registered_at": moment, "persons": persons}
    return {**golden, "id": f"{publisher}-1", "source": source, "time": moment, "data": data}


def write_scaffold(folder: Path, publisher: str, example: Mapping[str, Any]) -> tuple[Path, Path]:
    """Write the example and its test; where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    event, test = folder / "example.json", folder / f"test_{publisher}.py"
    event.write_text(json.dumps(example, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    test.write_text(_TEST.substitute(id=publisher, path=test), encoding="utf-8")
    return event, test


def _simulated(person: Mapping[str, Any], days: Mapping[str, str]) -> dict[str, Any]:
    from services.events.domain.simulation import PEOPLE, Simulated

    delivered = {
        each.scheme: each.value for each, told in PEOPLE.items() if told is Simulated.DELIVERED
    }
    changed = dict(person)
    if "birth_date" in person:
        changed["birth_date"] = days.get(person["birth_date"], person["birth_date"])
    if "identifiers" in person:
        changed["identifiers"] = [
            {**each, "value": delivered[each["scheme"]]} for each in person["identifiers"]
        ]
    return changed
