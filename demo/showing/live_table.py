"""The picture of the running play."""

from __future__ import annotations

import time

from rich.table import Table

from demo.devices import Fleet
from demo.evidence import percentile
from demo.log import DecisionTail
from demo.publishing import Record
from joinedup.cli import words

_REASONS_SHOWN = 5


class LiveTable:
    """Counts and times so far, drawn again and again."""

    def __init__(self, record: Record, tail: DecisionTail, fleet: Fleet, *, total: int) -> None:
        self._record = record
        self._tail = tail
        self._fleet = fleet
        self._total = total
        self._began = time.monotonic()
        self._before = {each: fleet.count(each) for each in ("frames", "opened")}

    def draw(self) -> Table:
        """The table as things stand now."""
        acks = [each.seconds * 1000 for each in self._record.acked]
        openable = self._openable_ms()
        table = Table(title="The town, live", title_justify="left", min_width=72)
        table.add_column("what")
        table.add_column("how many", justify="right")
        table.add_column("p50", justify="right")
        table.add_column("p99", justify="right")
        sent = f"{self._record.sent} of {self._total}"
        table.add_row("events published by departments", sent, "", "")
        table.add_row("  acknowledged", str(len(acks)), *_times(acks))
        table.add_row("decisions", str(self._tail.decided), "", "")
        for outcome, count in self._tail.outcomes.most_common():
            table.add_row(f"  {outcome}", str(count), "", "")
        for reason, count in self._tail.reasons.most_common(_REASONS_SHOWN):
            table.add_row(f"    [dim]{words.reason(reason)}[/dim]", str(count), "", "")
        table.add_row("prompts on 20 devices", self._since("frames"), *_times(openable))
        table.add_row("  opened", self._since("opened"), "", "")
        table.caption = f"{time.monotonic() - self._began:.0f} s"
        return table

    def _since(self, what: str) -> str:
        return str(self._fleet.count(what) - self._before[what])

    def _openable_ms(self) -> list[float]:
        began = {each.receipt.event_id: each.began for each in self._record.acked}
        return [
            (at - began[event]) * 1000
            for found in self._fleet.transcripts.values()
            for prompt, at in found.openable_at.items()
            if (event := self._tail.event_of.get(prompt)) in began
        ]


def _times(values: list[float]) -> tuple[str, str]:
    if not values:
        return "", ""
    return f"{percentile(values, 0.5):.0f} ms", f"{percentile(values, 0.99):.0f} ms"
