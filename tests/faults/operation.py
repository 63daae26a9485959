"""One operation of a history: who tried what, between which moments, and what came of it.

It holds handles and ids only, never a name or a department's identifier: a history may be kept.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Final

NANOSECONDS: Final = 1e9
UNSAID: Final = ("", None)  # what a field holds while nobody knows its value
_HEAD: Final = ("id", "process", "kind", "invoked_ns", "completed_ns", "result")


class Kind(StrEnum):
    """What was tried."""

    GIVE = "give"
    NARROW = "narrow"
    OBJECT = "object"
    WITHDRAW = "withdraw"
    EVENT = "event"  # a publisher sends a life event; ok is the door's 202
    CANCEL = "cancel"  # a register takes an event back, named by its event_id
    DEATH = "death"
    LOSS = "loss"
    ISSUE = "issue"  # a decision makes a prompt
    SUPPRESS = "suppress"  # a decision or the gate says no, for a reason
    CONFIRM = "confirm"  # a part reads a person's permissions from identity
    CLAIM = "claim"
    OPEN = "open"
    FRAME = "frame"  # a sealed prompt reaches a device over its stream, repeats too
    SHOW = "show"  # written by the device itself, independently of the platform
    RECALL = "recall"
    REPLAY = "replay"  # from a quiet platform to a quiet platform
    AWAY = "away"  # a part surely answered nobody, from invoke to complete
    KILL = "kill"
    FREEZE = "freeze"
    WIPE = "wipe"  # a store that may lose everything does


class Result(StrEnum):
    """What came of it; unknown is Jepsen's info: it may have happened, or happen later still."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. Text that is empty and a number that is None are not known.

    Times are nanoseconds of the machine's one monotonic clock. A serial is drawn from one sequence
    for the whole run, inside the transaction and under the lock on the person's row: it orders
    what committed for that person, and who has one did commit, whatever the caller learned.
    """

    id: str
    process: str
    kind: Kind
    invoked_ns: int
    completed_ns: int | None = None
    result: Result = Result.UNKNOWN
    serial: int | None = None
    subject: str = ""
    case_id: str = ""
    purpose: str = ""
    controller: str = ""
    # Of an end the new one; of a prompt the one it was decided under, None if it needs no yes.
    epoch: int | None = None
    prompt_id: str = ""
    bereavement: bool | None = None  # whether the prompt is meant for somebody's death
    channel: str = ""
    lease_ns: int | None = None  # how long a claim holds at least; None: it does not lapse
    event_id: str = ""
    reason: str = ""
    part: str = ""  # the part of the platform where it happened, or that was away or struck

    def __post_init__(self) -> None:
        if self.completed_ns is None and self.result is not Result.UNKNOWN:
            raise ValueError("what has not completed is unknown")
        if self.completed_ns is not None and self.completed_ns < self.invoked_ns:
            raise ValueError("it completed before it was invoked")
        if self.result is Result.FAIL and self.serial is not None:
            raise ValueError("what failed has no serial")

    @property
    def happened(self) -> bool:
        """Whether it did so for sure."""
        return self.result is Result.OK or self.serial is not None

    @property
    def acknowledged_ns(self) -> float:
        """The moment by which it had happened, in nanoseconds; infinite when nobody knows one."""
        if self.result is not Result.OK or self.completed_ns is None:
            return float("inf")
        return self.completed_ns

    def __str__(self) -> str:
        begin, end = self.invoked_ns / NANOSECONDS, (self.completed_ns or 0) / NANOSECONDS
        values = " ".join(
            f"{field.name}={value}"
            for field in fields(self)
            if field.name not in _HEAD and (value := getattr(self, field.name)) not in UNSAID
        )
        until = f"{end:.6f}" if self.completed_ns is not None else "?"
        return f"{self.kind} {self.result} {begin:.6f}–{until} s by {self.process}: {values}"

    def to_line(self) -> str:
        """One line of JSON, with the end of the line; values that nobody knows are left out."""
        known = {
            name: value
            for name, value in asdict(self).items()
            if name in _HEAD or value not in UNSAID
        }
        return json.dumps(known, separators=(",", ":")) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Operation:
        """What `to_line` wrote."""
        values = json.loads(line)
        return cls(**values | {"kind": Kind(values["kind"]), "result": Result(values["result"])})
