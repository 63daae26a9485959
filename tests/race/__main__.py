"""`make race`: people say no while prompts are claimed, under faults; nothing may pass after it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.local.errors import LocalError
from deploy.local.settings import ROOT
from tests.race.ground import HOME, MUTANTS
from tests.race.load import any_seed
from tests.race.result import Raced
from tests.race.run import Course, Watch, race

WITHDRAWALS, CLAIMS = 2_000, 10_000
_PEOPLE, _TURNS, _SECONDS = 40, 5.0, 900.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Race; returns 0 when everything held, or when a mutant was seen."""
    given = _parser().parse_args(arguments)
    for noisy in ("kafka", "aiokafka", "opentelemetry", "grpc", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    course = Course(
        seed=any_seed() if given.seed is None else given.seed,
        withdrawals=given.withdrawals,
        claims=given.claims,
        people=given.people,
        turns_a_second=given.turns,
        seconds=given.seconds,
        home=given.home.absolute(),
        mutant=given.mutant or "",
        storm=not given.calm,
    )
    console = Console(highlight=False)
    console.print(f"seed {course.seed}")
    try:
        raced = _run(course, console)
    except LocalError as failed:
        console.print(str(failed), style="red", markup=False)
        return 1
    raced.write(given.results)
    console.print(raced.markdown(), markup=False, soft_wrap=True)
    return 0 if raced.passed else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.race", description=__doc__)
    parser.add_argument("--seed", type=int, help="the same people and the same faults again")
    parser.add_argument("--mutant", choices=MUTANTS, help="break notifications; be seen")
    parser.add_argument("--calm", action="store_true", help="without faults")
    parser.add_argument("--withdrawals", type=int, default=WITHDRAWALS, help="at least so many")
    parser.add_argument("--claims", type=int, default=CLAIMS, help="at least so many")
    parser.add_argument("--people", type=int, default=_PEOPLE, help="each with a device")
    parser.add_argument("--turns", type=float, default=_TURNS, help="turns of people a second")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="at most so long")
    parser.add_argument("--home", type=Path, default=HOME, help="where the platform runs")
    parser.add_argument("--results", type=Path, default=ROOT / "build", help="where results go")
    return parser


def _run(course: Course, console: Console) -> Raced:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # The load shares the cores with the platform, so it runs on the loop that costs less.
    with (
        Progress(
            *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
        ) as bars,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(race(course, _OnTerminal(bars, course)))


class _OnTerminal(Watch):
    """Two bars, and faults as they happen."""

    def __init__(self, bars: Progress, course: Course) -> None:
        self._bars = bars
        self._withdrawals = bars.add_task("withdrawals", total=course.withdrawals)
        self._claims = bars.add_task("claims", total=course.claims)

    def at(self, withdrawals: int, claims: int) -> None:
        self._bars.update(self._withdrawals, completed=withdrawals)
        self._bars.update(self._claims, completed=claims)

    def say(self, text: str) -> None:
        if not self._bars.disable:
            self._bars.console.print(f"  {text}", style="dim", markup=False)


if __name__ == "__main__":
    sys.exit(main())
