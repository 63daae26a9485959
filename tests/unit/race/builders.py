"""Rows of the log that the race's triggers write, made by hand: one permission and one prompt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from tests.race.commit_order import Clock, Row
from tests.unit.faults.builders import EVENT, PERMISSION, PROMPT

BEGAN = datetime(2026, 11, 24, 12, tzinfo=UTC)
# The database's clock at BEGAN is the machine's monotonic zero.
CLOCK = Clock(round(BEGAN.timestamp()) * 1_000_000_000)

_numbers = count(1)


def a_row(kind: str, state: str, **values: Any) -> Row:
    """A line of the log; `at` and `begun` are milliseconds of the run."""
    at, begun = values.pop("at", 0), values.pop("begun", None)
    defaults: dict[str, Any] = {**PERMISSION, "number": next(_numbers), "epoch": 0, "fence": 0}
    for name in ("was", "prompt_id", "channel", "event_id", "reason"):
        defaults[name] = ""
    if kind == "prompt":
        defaults |= {"prompt_id": PROMPT, "channel": "stream", "event_id": EVENT}
    return Row(
        kind=kind,
        state=state,
        begun_at=BEGAN + timedelta(milliseconds=at if begun is None else begun),
        at=BEGAN + timedelta(milliseconds=at),
        **defaults | values,
    )


def said(choice: str, epoch: int, **values: Any) -> Row:
    """A permission as the gate took it."""
    return a_row("permission", choice, epoch=epoch, **values)


def moved(was: str, state: str, **values: Any) -> Row:
    """A row of the ledger that went from one state to another."""
    return a_row("prompt", state, was=was, **values)
