"""`joinedup events types` without a platform: from the catalogue, and it says so."""

import json

import pytest

from tests.builders import BIRTH, DEATH
from tests.command_line import InProcess


@pytest.fixture
def joinedup(tmp_path):
    return InProcess(tmp_path / "no-platform")


def test_every_type_is_listed(joinedup):
    told, data = joinedup("events", "types"), joinedup("events", "types", "--json")

    assert (told.code, data.code) == (0, 0)
    row = next(line for line in told.out.splitlines() if line.startswith(BIRTH))
    assert "A birth was registered" in row
    assert "gro, groni, nrs" in row
    assert told.out.rstrip().endswith(
        "from the catalogue in this repository (no platform is running)"
    )
    assert BIRTH in [each["type"] for each in data.document["event_types"]]
    assert data.document["from"].startswith("the catalogue")


def test_one_type_is_shown_with_all_it_consists_of(joinedup):
    shown = joinedup("events", "types", DEATH).out

    assert "deceased is flagged deceased before the event is acknowledged" in shown
    assert "statutory_gateway" in shown
    assert "nation (required): one of E, W, S, NI" in shown
    lines = [line.split() for line in shown.splitlines()]
    assert ["deceased", "yes", "yes", "nino,", "nhs-number"] in lines
    assert ["cancelled", "every", "prompt", "of", "the", "entry", "is", "called", "off"] in lines
    example = shown[shown.index("Example\n") + len("Example\n") : shown.rindex("\nfrom ")]
    assert json.loads(example)["type"] == DEATH


def test_an_unknown_type_is_answered_with_those_that_are_near(joinedup):
    told = joinedup("events", "types", "civil-registration.birth.v1")
    data = joinedup("events", "types", "nothing.like.it", "--json")

    assert (told.code, data.code) == (1, 1)
    assert BIRTH in told.err
    assert data.document["error"]["code"] == "event_type_unknown"
    assert "joinedup events types" in data.document["error"]["fix"]


def test_a_platform_that_does_not_answer_is_no_obstacle(joinedup):
    joinedup.home.mkdir(parents=True)
    (joinedup.home / "endpoints.json").write_text('{"events_http": "http://127.0.0.1:9"}')

    assert "from the catalogue" in joinedup("events", "types").out
