"""A bar for files that take a while: how much of them is done, how fast, and how long still."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

_WORTH_A_BAR_BYTES: Final = 256 * 1024


class Bar:
    """Shown on a terminal alone; `total` bytes, 0 when nobody knows."""

    def __init__(self, total: int) -> None:
        err = Console(stderr=True)
        self._bar = Progress(
            TextColumn("publishing"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[told]}"),
            TimeRemainingColumn(),
            console=err,
            transient=True,
            disable=not err.is_terminal or 0 < total < _WORTH_A_BAR_BYTES,
        )
        self._task = self._bar.add_task("", total=total or None, told="")
        self._began = time.monotonic()
        self._events = self._refused = 0

    def skip(self, size: int) -> None:
        """Count bytes that an earlier run has dealt with."""
        self._bar.advance(self._task, size)

    def advance(self, size: int, *, events: int, refused: int) -> None:
        """Count what was answered."""
        self._events += events
        self._refused += refused
        rate = self._events / max(time.monotonic() - self._began, 0.001)
        told = f"{self._events:,} events, {self._refused:,} refused, {rate:,.0f}/s"
        self._bar.update(self._task, advance=size, told=told)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
