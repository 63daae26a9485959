"""A step that was not seen fails the whole check, and the result file says which."""

import io
import json

import pytest
from rich.console import Console

from demo.showing.steps import Checker, Stopped
from demo.waiting import Unseen
from joinedup.client import Refused


@pytest.fixture
def checker():
    return Checker(Console(file=io.StringIO()))


async def good():
    return "all well"


async def bad(error):
    raise error


async def test_a_result_file_has_the_form_that_others_read(checker, tmp_path):
    await checker.step("up", good())

    passed = checker.write(tmp_path / "demo.json", {"events": 3, "prompts": 2})

    document = json.loads((tmp_path / "demo.json").read_text())
    assert passed
    assert document["passed"] is True
    assert document["events"] == 3
    (step,) = document["steps"]
    assert set(step) == {"name", "passed", "seconds", "detail"}
    assert (step["name"], step["detail"]) == ("up", "all well")


@pytest.mark.parametrize("error", [Unseen("no trace"), Refused("no", "never"), TimeoutError()])
async def test_what_was_not_seen_stops_and_fails(checker, tmp_path, error):
    await checker.step("up", good())

    with pytest.raises(Stopped):
        await checker.step("trace", bad(error))

    assert not checker.write(tmp_path / "demo.json", {})
    assert json.loads((tmp_path / "demo.json").read_text())["steps"][1]["passed"] is False


async def test_an_error_nobody_foresaw_is_recorded_and_raised(checker, tmp_path):
    with pytest.raises(ZeroDivisionError):
        await checker.step("up", bad(ZeroDivisionError()))

    assert not checker.write(tmp_path / "demo.json", {})


def test_a_check_without_steps_has_not_passed(checker, tmp_path):
    assert not checker.write(tmp_path / "demo.json", {})
