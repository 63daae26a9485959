"""`make bench`: measures a platform of its own, and writes build/bench.json and build/bench.md."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Sequence

import uvloop
from rich.console import Console

from deploy.local.errors import LocalError
from deploy.local.settings import ROOT
from tests.performance.bench import Bench
from tests.performance.measures import MEASURES
from tests.performance.report import Report

_RUNS, _FULL_RUNS = 3, 7


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; returns 0 when everything was measured, whether or not it met its target."""
    parser = argparse.ArgumentParser(prog="python -m tests.performance", description=__doc__)
    parser.add_argument("--only", choices=sorted(MEASURES), help="measure this alone")
    parser.add_argument("--full", action="store_true", help="seven runs of each instead of three")
    given = parser.parse_args(arguments)
    for noisy in ("kafka", "aiokafka", "opentelemetry", "grpc"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    console = Console(highlight=False)
    report = Report(ROOT / "build")
    names = [given.only] if given.only else list(MEASURES)
    try:
        # The load shares the cores with what it measures, so it runs on the loop that costs less.
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runs = _FULL_RUNS if given.full else _RUNS
            runner.run(_measure(names, runs, report, console))
    except LocalError as failed:
        console.print(str(failed), style="red", markup=False)
        return 1
    finally:
        report.write()
    console.print(report.markdown(), markup=False, soft_wrap=True)
    return 0


async def _measure(names: Sequence[str], runs: int, report: Report, console: Console) -> None:
    bench = Bench(
        runs=runs, say=lambda text: console.print(f"  {text}", style="dim", soft_wrap=True)
    )
    try:
        for name in names:
            began = time.monotonic()
            console.print(f"{name} …")
            for result in await MEASURES[name](bench):
                report.add(result)
            console.print(f"  {time.monotonic() - began:.0f} s", style="dim")
    finally:
        await bench.close()


if __name__ == "__main__":
    sys.exit(main())
