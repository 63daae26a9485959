"""Bytes become an event or a refusal, never anything else, whichever way they come."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from services.events.domain import rules
from services.events.domain.faults import pointer
from tests.fuzz import file_targets, targets
from tests.fuzz.conftest import ORDINARY_SECONDS
from tests.fuzz.fuzzer import CANARY, Broken, fuzz

DECODERS: dict[str, tuple[Any, Any]] = {
    "structured": (targets.structured, targets.structured_seeds),
    "batch": (targets.batch, targets.batch_seeds),
    "binary": (targets.binary, targets.binary_seeds),
    "record": (targets.record, targets.record_seeds),
    "typed": (targets.typed, targets.typed_seeds),
    "checked file": (targets.checked_file, targets.batch_seeds),
    "csv file": (file_targets.csv_file, file_targets.csv_seeds),
    "json file": (file_targets.json_file, file_targets.json_seeds),
}


@pytest.mark.timeout(0)  # it ends by its own clock
@pytest.mark.parametrize("name", DECODERS)
def test_the_laws_hold(name, fuzz_seconds, fuzz_seed):
    target, seeds = DECODERS[name]
    seconds = (ORDINARY_SECONDS if fuzz_seconds is None else fuzz_seconds) / len(DECODERS)

    tried = fuzz(target, seeds(), seconds=seconds, seed=fuzz_seed)

    assert tried > len(seeds())


def test_golden_events_are_among_what_every_way_in_accepts():
    for name in ("structured", "binary", "record", "typed"):
        target, seeds = DECODERS[name]
        answers = [target(each) for each in seeds()]
        assert sum("accepted" in answer for answer in answers) >= 6, name


def test_a_refusal_that_repeated_a_name_would_be_found(monkeypatch):
    monkeypatch.setattr(rules, "shown", pointer)

    with pytest.raises(Broken, match=CANARY):
        fuzz(targets.structured, targets.structured_seeds(), seconds=5, seed=1)


@pytest.mark.parametrize(
    "broken",
    [
        lambda case: 1 // (b"9999" not in case),
        lambda case: json.loads(case) if case[:2] == b"{}" else "",
        lambda case: CANARY.encode() in case and pytest.fail("repeated"),
    ],
)
def test_a_broken_law_is_found_and_shown_as_short_as_can_be(broken):
    begun = time.monotonic()

    with pytest.raises((Broken, pytest.fail.Exception)) as found:
        fuzz(broken, [b'{"year": "1999-12-31"}'], seconds=20, seed=1)

    assert time.monotonic() - begun < 20
    if isinstance(found.value, Broken):
        assert len(found.value.case) <= 8
