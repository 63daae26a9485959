"""A large CSV file through the command line: how fast, and in how much memory."""

from __future__ import annotations

import asyncio
import csv
import itertools
import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo.stage import Stage
from deploy.local.settings import ROOT
from tests.performance.bench import Bench
from tests.performance.report import Result

SMALL_MB: Final = 10
LARGE_MB: Final = 1024
MAPPING: Final = ROOT / "protos" / "examples" / "files" / "moves.mapping.yaml"
PUBLISHER: Final = "council-cardiff"
# Most columns of a real extract are not what it is published for.
_NOTES: Final = "x" * 3_900
_SAMPLE_SECONDS: Final = 0.5
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


@dataclass(frozen=True, slots=True)
class Published:
    """What publishing a file took."""

    events: int
    seconds: float
    peak_mb: float


async def files(bench: Bench, stage: Stage) -> list[Result]:
    """One gigabyte, beside ten megabytes."""
    found = {}
    for megabytes in (SMALL_MB, LARGE_MB):
        found[megabytes] = await _publish(bench, stage, megabytes)
    small, large = found[SMALL_MB], found[LARGE_MB]
    baseline = f"publishing a CSV file of {SMALL_MB} MB, peak memory"
    return [
        Result(baseline, "MB", [small.peak_mb]),
        Result(
            f"publishing a CSV file of {LARGE_MB} MB, peak memory",
            "MB",
            [large.peak_mb],
            baseline,
            1.25 * small.peak_mb,
        ),
        Result("rows of a CSV file", "events/s", [large.events / large.seconds]),
    ]


async def _publish(bench: Bench, stage: Stage, megabytes: int) -> Published:
    path = bench.home / f"moves-{megabytes}.csv"
    mapping = bench.home / "moves.mapping.yaml"
    mapping.write_text(f"{MAPPING.read_text()}ignore: [notes]\n")
    rows = await asyncio.to_thread(_write, path, stage, megabytes * 2**20)
    began = time.monotonic()
    command = ("publish", str(path), "--mapping", str(mapping), "--publisher", PUBLISHER)
    # Not as uvloop starts processes: the child of a fork of one that speaks gRPC does not live.
    process = subprocess.Popen(  # noqa: ASYNC220  # as said
        [sys.executable, "-m", "joinedup.cli", *command],
        env={**os.environ, "JOINEDUP_HOME": str(bench.home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    talking = asyncio.ensure_future(asyncio.to_thread(process.communicate))
    peak = 0.0
    while not talking.done():
        peak = max(peak, _peak_mb(process.pid))
        await asyncio.wait({talking}, timeout=_SAMPLE_SECONDS)
    seconds = time.monotonic() - began
    if process.returncode:
        raise RuntimeError(f"{path.name} was not published: {talking.result()[0][-400:]!r}")
    for each in bench.home.glob(f"{path.name}*"):
        each.unlink()
    bench.say(f"{megabytes} MB: {rows} rows in {seconds:.0f} s, {peak:.0f} MB of memory at most")
    return Published(rows, seconds, peak)


def _write(path: Path, stage: Stage, size: int) -> int:
    people = [each for each in stage.town if each.nino and each.postcode]
    run, count = os.urandom(4).hex(), 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(
            (
                *("reference", "told us on", "moved on", "nino", "given names", "family name"),
                *("date of birth", "new postcode", "from another council", "home", "notes"),
            )
        )
        for person in itertools.cycle(people):
            if file.tell() >= size:
                return count
            count += 1
            writer.writerow(
                (
                    *(f"{run}-{count}", "2026-11-16 16:10:00", "2026-11-14", person.nino),
                    *(" ".join(person.given), person.family, person.born.isoformat()),
                    *(person.postcode, "yes", "private rent", _NOTES),
                )
            )
    return count


def _peak_mb(pid: int) -> float:
    with suppress(OSError):
        told = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
        return int(told[1]) / 1024 if told else 0.0
    return 0.0
