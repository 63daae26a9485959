"""What a person sees of a start, a stop or a status: a live list, tables, the culprit's log."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deploy.local.platform import Row


class Progress(Protocol):
    """Told how a start goes on, from several threads."""

    def note(self, text: str) -> None:
        """Something that takes a while, or a fact worth a line."""

    def started(self, name: str) -> None:
        """A process was started."""

    def ready(self, name: str, seconds: float, address: str) -> None:
        """A process answers, so many seconds after its group began."""


class Silent:
    """Tells nobody anything."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def started(self, name: str) -> None:
        """Say nothing."""

    def ready(self, name: str, seconds: float, address: str) -> None:
        """Say nothing."""


class OnTerminal:
    """A live list with a line a process; in a pipe, one line each when it is ready."""

    def __init__(self, console: Console) -> None:
        """Draw on this console."""
        self._console = console
        self._lines: dict[str, Text | None] = {}
        self._lock = threading.Lock()
        self._live = Live(console=console, refresh_per_second=10, get_renderable=self._draw)
        self._spinner = Spinner("dots")

    def __enter__(self) -> Self:
        """Begin to draw."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last picture standing."""
        self._live.stop()

    def note(self, text: str) -> None:
        """Print a line above the list."""
        self._console.print(Text(text, style="dim"))

    def started(self, name: str) -> None:
        """Add a line with a spinner."""
        with self._lock:
            self._lines[name] = None

    def ready(self, name: str, seconds: float, address: str) -> None:
        """Turn the spinner into a tick with time and address."""
        line = Text.assemble(("✓ ", "green"), f"{name:<16}{seconds:5.1f} s  ", (address, "cyan"))
        with self._lock:
            self._lines[name] = line
        if not self._console.is_terminal:
            self._console.print(line)

    def _draw(self) -> Table:
        table = Table.grid(padding=(0, 1))
        with self._lock:
            for name, line in self._lines.items():
                table.add_row(line or Text(f"  {name} …", style="yellow"))
        return table


def addresses(endpoints: Mapping[str, str]) -> Table:
    """Return the addresses as a table."""
    table = Table(title="Addresses", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("what", style="bold")
    table.add_column("where", style="cyan")
    for name, address in endpoints.items():
        table.add_row(name, address)
    return table


def status(rows: Iterable[Row]) -> Table:
    """Return what runs as a table."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("process", "pid", "address", "ready", "memory", "restarts"):
        right = heading in ("pid", "memory", "restarts")
        table.add_column(heading, justify="right" if right else "left")
    for row in rows:
        table.add_row(
            row.name,
            str(row.pid or "-"),
            row.address,
            Text("yes", style="green") if row.ready else Text("no", style="red"),
            f"{row.memory_mb:.0f} MB" if row.memory_mb else "-",
            str(row.restarts),
        )
    return table
