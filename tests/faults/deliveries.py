"""A prompt comes once: however often a claim, a device or the whole log is repeated (I2, I14)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tests.faults.contradiction import Ascending, Contradiction, grouped
from tests.faults.operation import Kind, Operation, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.history import History

_NAMES_A_PROMPT = frozenset({Kind.ISSUE, Kind.CLAIM, Kind.OPEN, Kind.SHOW})


def claimed_once(history: History) -> list[Contradiction]:
    """I2: nobody claims a ledger row again before the lease of the claim before it has lapsed.

    Claims without a serial are not judged. A lease lasts at least from the moment its claim was
    invoked, and a claim was made at the latest when it completed.
    """
    claims = [each for each in history.operations if each.kind is Kind.CLAIM]
    committed = [each for each in claims if each.serial is not None]
    rows = grouped(committed, lambda each: (each.prompt_id, each.channel))
    return [
        Contradiction("I2", "one ledger row is claimed twice under one lease", (earlier, later))
        for row in rows.values()
        for earlier, later in pairwise(row)
        if not _may_have_lapsed(earlier, later)
    ]


def _may_have_lapsed(earlier: Operation, later: Operation) -> bool:
    if earlier.lease_ns is None:
        return False
    # One whose caller heard nothing may have been made at any time.
    return later.acknowledged_ns >= earlier.invoked_ns + earlier.lease_ns


def shown_once(history: History) -> list[Contradiction]:
    """I2: a device shows a prompt at most once."""
    shows = [
        each for each in history.operations if each.kind is Kind.SHOW and each.result is Result.OK
    ]
    by_device = grouped(shows, lambda each: (each.process, each.prompt_id))
    return [
        Contradiction("I2", "a device shows one prompt more than once", tuple(same))
        for same in by_device.values()
        if len(same) > 1
    ]


def replays_are_silent(history: History) -> list[Contradiction]:
    """I14: a replay makes no prompt, and shows none that was not shown before.

    A replay begins and ends on a quiet platform, with nothing under way. What belongs to an event
    that was first sent after it began is not its doing; and nothing is judged of a replay that
    has not completed.
    """
    operations = sorted(history.operations, key=lambda each: each.invoked_ns)
    named = [
        each
        for each in operations
        if each.kind in _NAMES_A_PROMPT and each.result is not Result.FAIL
    ]
    shows = [each for each in named if each.kind is Kind.SHOW]
    others = [each for each in named if each.kind is not Kind.SHOW]
    return [
        *_new_in_a_replay(operations, others, named, "a replay makes a new prompt"),
        *_new_in_a_replay(operations, shows, shows, "a replay shows what was not shown before"),
    ]


def _new_in_a_replay(
    operations: list[Operation], judged: list[Operation], known: list[Operation], says: str
) -> Iterator[Contradiction]:
    done = [each for each in operations if each.kind is Kind.REPLAY and each.result is Result.OK]
    replays = Ascending(done, lambda each: each.invoked_ns, lambda each: each.acknowledged_ns)
    events = grouped((each for each in operations if each.kind is Kind.EVENT), _event)
    known_of = grouped(known, _prompt)
    for same in grouped((each for each in judged if each.happened), _prompt).values():
        new = same[0]
        replay = replays.first(before=new.invoked_ns, above=new.acknowledged_ns)
        if replay is None or known_of[new.prompt_id][0].invoked_ns < replay.invoked_ns:
            continue
        sent = events.get(new.event_id)
        if sent is None or sent[0].invoked_ns < replay.invoked_ns:
            yield Contradiction("I14", says, (replay, new))


def _prompt(operation: Operation) -> str:
    return operation.prompt_id


def _event(operation: Operation) -> str:
    return operation.event_id
