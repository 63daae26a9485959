"""Histories made by hand: one person, one permission, one prompt, unless something else is said."""

from __future__ import annotations

from itertools import count
from typing import Any

from tests.faults.history import History
from tests.faults.operation import Kind, Operation, Result

PERSON, PROMPT, EVENT, CASE = "p" * 26, "n" * 26, "e" * 26, "c" * 26
PERMISSION = {"subject": PERSON, "purpose": "family", "controller": "hmrc"}
ON_A_PROMPT = frozenset({Kind.ISSUE, Kind.CLAIM, Kind.OPEN, Kind.SHOW})

_numbers = count(1)


def an_operation(
    kind: Kind, invoked: int, completed: int | None, result: Result, **values: Any
) -> Operation:
    """An operation between two moments in nanoseconds."""
    defaults: dict[str, Any] = dict(PERMISSION)
    if kind in ON_A_PROMPT:
        defaults |= {"prompt_id": PROMPT, "channel": "stream", "epoch": 0, "event_id": EVENT}
        defaults |= {"case_id": CASE, "bereavement": False}
    if kind in {Kind.EVENT, Kind.SUPPRESS}:
        defaults |= {"event_id": EVENT}
    number = next(_numbers)
    return Operation(
        id=f"{kind}/{number}",
        invoked_ns=invoked,
        completed_ns=completed,
        kind=kind,
        result=result,
        **{"process": "device"} | defaults | values,
    )


def ok(kind: Kind, invoked: int, completed: int, **values: Any) -> Operation:
    """It happened."""
    return an_operation(kind, invoked, completed, Result.OK, **values)


def failed(kind: Kind, invoked: int, completed: int, **values: Any) -> Operation:
    """It did not happen."""
    return an_operation(kind, invoked, completed, Result.FAIL, **values)


def unknown(kind: Kind, invoked: int, completed: int | None = None, **values: Any) -> Operation:
    """It may have happened."""
    return an_operation(kind, invoked, completed, Result.UNKNOWN, **values)


def a_history(*operations: Operation) -> History:
    """These and no others."""
    history = History()
    for each in operations:
        history.record(each)
    return history
