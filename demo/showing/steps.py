"""Telling the play: to an audience in the terminal, or to a result file step by step."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from rich.console import Console
from rich.live import Live
from rich.markup import escape

from demo.waiting import Unseen
from deploy.local.errors import LocalError
from joinedup.client import ClientError

_FORESEEN: Final = (Unseen, ClientError, LocalError, TimeoutError)


class Stopped(Exception):
    """A step was not seen; what comes after it cannot be."""


class Teller(Protocol):
    """What an act may tell while it happens."""

    def say(self, text: str) -> None:
        """A line, with rich markup."""

    def live(self, draw: Any) -> Any:
        """A context in which a picture is drawn again and again; `draw` returns it."""

    async def step(self, name: str, work: Awaitable[str]) -> None:
        """Do a step; its answer says in words what was seen."""


@dataclass(slots=True)
class Step:
    """A step and what was seen of it."""

    name: str
    passed: bool
    seconds: float
    detail: str


@dataclass(slots=True)
class Checker:
    """Records each step; stops at the first that was not seen."""

    console: Console
    steps: list[Step] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Nobody listens."""

    @contextmanager
    def live(self, draw: Any) -> Iterator[None]:  # noqa: ARG002  # nobody watches
        """Nothing is drawn."""
        yield

    async def step(self, name: str, work: Awaitable[str]) -> None:
        """Do it, record it; raises Stopped when it was not seen."""
        began = time.monotonic()
        try:
            detail, passed = await work, True
        except _FORESEEN as failed:
            detail, passed = f"{type(failed).__name__}: {failed}", False
        except Exception as failed:
            self._add(Step(name, passed=False, seconds=_since(began), detail=repr(failed)))
            raise
        self._add(Step(name, passed, _since(began), detail))
        if not passed:
            raise Stopped(name)

    def write(self, path: Path, figures: Mapping[str, Any]) -> bool:
        """Write the result file; True when every step was seen."""
        passed = bool(self.steps) and all(each.passed for each in self.steps)
        document = {
            "passed": passed,
            "seconds": _since(self.began),
            "steps": [asdict(each) for each in self.steps],
            **figures,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
        return passed

    def _add(self, step: Step) -> None:
        self.steps.append(step)
        mark = "[green]seen[/green]  " if step.passed else "[red]unseen[/red]"
        line = f"{mark} {step.seconds:6.1f} s  [bold]{step.name}[/bold]: {escape(step.detail)}"
        self.console.print(line, highlight=False, soft_wrap=True)


@dataclass(slots=True)
class Narrator:
    """Tells an audience; a step that fails ends the play."""

    console: Console

    def say(self, text: str) -> None:
        """A line, with rich markup."""
        self.console.print(text, highlight=False, soft_wrap=True)

    @contextmanager
    def live(self, draw: Any) -> Iterator[None]:
        """Draw a picture four times a second."""
        with Live(get_renderable=draw, console=self.console, refresh_per_second=4):
            yield

    async def step(self, name: str, work: Awaitable[str]) -> None:
        """Do it and tell what was seen; raises Stopped when it was not."""
        try:
            detail = await work
        except _FORESEEN as failed:
            self.say(f"[red]{name}: {escape(str(failed))}[/red]")
            raise Stopped(name) from failed
        self.say(f"[green]✓[/green] {name}: [dim]{escape(detail)}[/dim]")


def _since(began: float) -> float:
    return round(time.monotonic() - began, 2)
