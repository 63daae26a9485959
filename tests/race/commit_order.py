"""What the database of notifications says: in which order ends, claims and opens committed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import psycopg
from psycopg.rows import class_row

from joinedup.nudges.v1.decision_pb2 import Decision, Outcome
from tests.faults.operation import Kind, Operation, Result

GATE, LEDGER, NUDGES = "gate", "ledger", "nudges"
_TRIGGERS: Final = Path(__file__).with_name("commit_order.sql")
_NO: Final = {"objected": Kind.OBJECT}
_COUNTED: Final = """
    SELECT count(*) FROM race_log WHERE kind = 'prompt' AND was = 'new'
    AND state IN ('claimed', 'sent')
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the log that the triggers write."""

    number: int
    kind: str
    subject: str
    purpose: str
    controller: str
    epoch: int
    state: str
    was: str
    prompt_id: str
    channel: str
    event_id: str
    reason: str
    fence: int
    begun_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """Turns the database's times into the machine's monotonic nanoseconds.

    Both are this machine's; `error_ns` is by how much its wall clock was moved during the run.
    """

    offset_ns: int
    error_ns: int = 0

    @classmethod
    def now(cls) -> Clock:
        """As the two clocks stand to each other at this moment."""
        return cls(time.time_ns() - time.monotonic_ns())

    def until(self, later: Clock) -> Clock:
        """The same, knowing how they stood later."""
        return Clock(self.offset_ns, abs(later.offset_ns - self.offset_ns))

    def earliest(self, at: datetime) -> int:
        """No later than it was."""
        return self._ns(at) - self.error_ns

    def latest(self, at: datetime) -> int:
        """No earlier than it was."""
        return self._ns(at) + self.error_ns

    def _ns(self, at: datetime) -> int:
        return round(at.timestamp() * 1e6) * 1000 - self.offset_ns


def install(url: str) -> None:
    """Put the log and its triggers into an own, empty platform's database."""
    with psycopg.connect(url) as connection:
        connection.execute(_TRIGGERS.read_text(encoding="utf-8").encode())


def claims(url: str) -> int:
    """How many claims there were so far."""
    with psycopg.connect(url, connect_timeout=2) as connection:
        found = connection.execute(_COUNTED).fetchone()
    return int(found[0]) if found else 0


def read_log(url: str) -> list[Row]:
    """The whole log, in commit order."""
    with psycopg.connect(url) as connection, connection.cursor(row_factory=class_row(Row)) as rows:
        return rows.execute("SELECT * FROM race_log ORDER BY number").fetchall()


def read_suppressed(url: str, clock: Clock) -> list[Operation]:
    """What nudges decided to keep silent about, and why."""
    query = "SELECT record, decided_at, admitted_at FROM decisions"
    with psycopg.connect(url) as connection:
        decided = connection.execute(query).fetchall()
    return [
        Operation(
            id=f"decision/{number}/{index}/{reason}",
            process=NUDGES,
            kind=Kind.SUPPRESS,
            invoked_ns=clock.earliest(decided_at),
            completed_ns=clock.latest(max(admitted_at, decided_at)),
            result=Result.OK,
            subject=decision.subject,
            purpose=nudge.purpose,
            controller=nudge.controller,
            event_id=decision.event_id,
            reason=reason,
        )
        for number, (record, decided_at, admitted_at) in enumerate(decided)
        for decision in [Decision.FromString(record)]
        for index, nudge in enumerate(decision.nudges)
        if nudge.outcome == Outcome.OUTCOME_SUPPRESSED
        for reason in nudge.reasons
    ]


def operations(rows: Iterable[Row], clock: Clock, lease_ns: int) -> Iterator[Operation]:
    """The log as operations with serials. `lease_ns` is how long a claim for a stream holds."""
    epochs: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        if row.kind == "permission":
            permission = (row.subject, row.purpose, row.controller)
            # A set is written whole each time; an end is where an epoch is seen for the first time.
            if row.epoch > epochs[permission]:
                epochs[permission] = row.epoch
                yield _operation(row, clock, GATE, _NO.get(row.state, Kind.WITHDRAW))
        elif is_claim(row):
            lease = lease_ns if row.state == "claimed" else None
            yield _operation(row, clock, LEDGER, Kind.CLAIM, lease)
        elif row.state == "opened" and not row.reason:
            yield _operation(row, clock, LEDGER, Kind.OPEN)
        elif row.state == "suppressed":
            yield _operation(row, clock, LEDGER, Kind.SUPPRESS)


def is_claim(row: Row) -> bool:
    """Whether it let a prompt pass; a write that has completed is none."""
    return row.kind == "prompt" and (
        row.state == "claimed" or (row.state == "sent" and row.was != "claimed")
    )


def _operation(
    row: Row, clock: Clock, process: str, kind: Kind, lease_ns: int | None = None
) -> Operation:
    return Operation(
        id=f"log/{row.number}",
        process=process,
        kind=kind,
        invoked_ns=clock.earliest(row.begun_at),
        completed_ns=clock.latest(row.at),
        result=Result.OK,
        serial=row.number,
        subject=row.subject,
        purpose=row.purpose,
        controller=row.controller,
        epoch=row.epoch,
        prompt_id=row.prompt_id,
        channel=row.channel,
        event_id=row.event_id,
        reason=row.reason,
        lease_ns=lease_ns,
    )
