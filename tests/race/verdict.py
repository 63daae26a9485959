"""What must not be found in a race, beside what every history is judged by: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from tests.faults.checkers import contradictions
from tests.faults.contradiction import Ascending, Contradiction, grouped
from tests.faults.history import History, merge, with_prompts
from tests.faults.operation import Kind, Operation, Result
from tests.faults.permissions import ENDS
from tests.race.commit_order import Row, is_claim

# A fence waits two seconds at most for writes in progress. What was handed to the network before it
# answered arrives when its device gets to read it: seconds later, where a machine is full.
FRAME_NS: Final = 10_000_000_000
JUDGED: Final = ("I2", "I3", "I18")
_GATES: Final = frozenset({"notifications", "notifications_2"})
_ON_ITS_WAY: Final = frozenset({"new", "claimed"})

Permission = tuple[str, str, str]


def judge(told: History, order: History, rows: Sequence[Row]) -> list[Contradiction]:
    """Every contradiction between what callers were told and what the database did."""
    history = merge(told, order)
    joined = with_prompts(history)
    return [
        *contradictions(history),
        *claimed_after_an_end(joined),
        *framed_after_an_end(joined),
        *rows_gone_astray(rows),
    ]


def claimed_after_an_end(history: History) -> list[Contradiction]:
    """I3: once a person was told that a no holds, no claim begins under what it ended.

    Judged by time: a no may hold because nobody could act on the older permission at that moment,
    before the gate has heard of it.
    """
    ends = _acknowledged(history)
    return [
        Contradiction("I3", "a claim begins after a no took effect", (end, claim))
        for claim in history.operations
        if claim.kind is Kind.CLAIM
        and (end := _ended(ends, claim, before=claim.invoked_ns)) is not None
    ]


def framed_after_an_end(history: History) -> list[Contradiction]:
    """I3: once a person was told that a no holds, nothing it ended arrives at a device.

    But for what was on its way: a frame may come within FRAME_NS, counted from when the process
    went on that was stopped in the middle of writing it. A frame is invoked when it can have come
    at the earliest.
    """
    stopped = [
        each for each in history.operations if each.kind is Kind.FREEZE and each.part in _GATES
    ]
    return [
        Contradiction("I3", "a frame arrives long after a no took effect", (end, frame))
        for end, frame in _framed(history)
        if frame.invoked_ns - FRAME_NS > end.acknowledged_ns and not _thawed(stopped, end, frame)
    ]


def latest_frame_ns(history: History) -> float:
    """How long after a no took effect a frame arrived that it had ended; 0 when none did."""
    framed = _framed(with_prompts(history))
    return max((frame.invoked_ns - end.acknowledged_ns for end, frame in framed), default=0)


def _framed(history: History) -> list[tuple[Operation, Operation]]:
    ends = _acknowledged(history)
    return [
        (end, frame)
        for frame in history.operations
        if frame.kind is Kind.FRAME
        if (end := _ended(ends, frame, before=frame.invoked_ns)) is not None
    ]


def _thawed(stopped: Iterable[Operation], end: Operation, frame: Operation) -> bool:
    return any(
        each.invoked_ns < end.acknowledged_ns and frame.invoked_ns < each.acknowledged_ns + FRAME_NS
        for each in stopped
        if each.completed_ns is not None
    )


def _acknowledged(history: History) -> dict[Permission, Ascending]:
    """The ends that people were told of, by the permission."""
    ends = (
        each
        for each in history.operations
        if each.kind in ENDS and each.result is Result.OK and each.epoch is not None
        # The gate's own are ordered by their serials.
        if each.serial is None
    )
    return {
        permission: Ascending(same, lambda each: each.acknowledged_ns, _epoch)
        for permission, same in grouped(ends, _permission).items()
    }


def _ended(
    ends: dict[Permission, Ascending], passed: Operation, *, before: float
) -> Operation | None:
    known = ends.get(_permission(passed))
    if known is None or passed.epoch is None:
        return None
    return known.first(before=before, above=passed.epoch)


def _permission(operation: Operation) -> Permission:
    return operation.subject, operation.purpose, operation.controller


def _epoch(operation: Operation) -> float:
    return operation.epoch if operation.epoch is not None else float("-inf")


def rows_gone_astray(rows: Iterable[Row]) -> list[Contradiction]:
    """I2: a row of the ledger is written once, and claimed again only with a higher fence.

    It is claimed from where it waits alone: never once it was sent, or has ended.
    """
    prompts: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.kind == "prompt":
            prompts.setdefault((row.prompt_id, row.channel), []).append(row)
    return [
        Contradiction("I2", says, tuple(map(_seen, culprits)))
        for same in prompts.values()
        for says, culprits in _astray(same)
    ]


def _astray(same: Sequence[Row]) -> Iterator[tuple[str, tuple[Row, ...]]]:
    written = tuple(row for row in same if not row.was)
    if len(written) > 1:
        yield "a row of the ledger is written twice", written
    claims = [row for row in same if is_claim(row)]
    for earlier, later in pairwise(claims):
        if later.fence <= earlier.fence:
            yield "a row is claimed again under the same fence", (earlier, later)
    for claim in claims:
        if claim.was != "new":
            yield f"a row is claimed that was {claim.was or 'never written'}", (claim,)


def _seen(row: Row) -> Operation:
    kind = Kind.CLAIM if is_claim(row) else Kind.ISSUE
    return Operation(
        id=f"log/{row.number}",
        process="ledger",
        kind=kind,
        invoked_ns=0,
        serial=row.number,
        subject=row.subject,
        prompt_id=row.prompt_id,
        channel=row.channel,
        epoch=row.epoch,
        reason=f"{row.was or 'nothing'} to {row.state}, fence {row.fence}",
    )


def unfinished(rows: Iterable[Row]) -> int:
    """How many rows of the ledger still wait or are being sent."""
    last = {(row.prompt_id, row.channel): row.state for row in rows if row.kind == "prompt"}
    return sum(state in _ON_ITS_WAY for state in last.values())
