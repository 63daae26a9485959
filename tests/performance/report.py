"""Results in the form that other programs read, and as a table for people."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """One figure: its runs, what it is compared with, and what it should be."""

    name: str
    unit: str
    runs: Sequence[float]
    baseline: str | None = None
    """Name of another result of the same report."""
    target: float | None = None
    """At most this; None where nothing is promised."""
    at_least: bool = False
    """Whether the target is the least it should be."""

    @property
    def median(self) -> float:
        """The median of the runs."""
        return statistics.median(self.runs)

    @property
    def met(self) -> bool | None:
        """Whether the median keeps the target."""
        if self.target is None:
            return None
        return self.median >= self.target if self.at_least else self.median < self.target


@dataclass(slots=True)
class Report:
    """Everything measured, in order."""

    folder: Path
    results: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """One more."""
        self.results.append(result)

    def document(self) -> dict[str, Any]:
        """The report as data."""
        return {"machine": machine(), "results": [self._row(each) for each in self.results]}

    def markdown(self) -> str:
        """The report as a table."""
        here = machine()
        place = f"{here['cores']} cores, {here['memory_gb']} GB, Python {here['python']}"
        lines = [
            f"{place}; medians, and least to most of the runs",
            "",
            "| what | median | runs | target | compared with |",
            "|---|---|---|---|---|",
        ]
        for result in self.results:
            each = self._row(result)
            least, most = min(each["runs"]), max(each["runs"])
            sign = ">=" if result.at_least else "<"
            target = "" if result.target is None else f"{sign} {result.target:g} {result.unit}"
            met = {True: ", met", False: ", **not met**", None: ""}[each["met"]]
            ratio = "" if each["ratio"] is None else f"{each['ratio']:.2f}x {each['baseline']}"
            lines.append(
                f"| {each['name']} | {each['median']:.1f} {each['unit']} "
                f"| {least:.1f} to {most:.1f} | {target}{met} | {ratio} |"
            )
        return "\n".join(lines) + "\n"

    def write(self) -> None:
        """Write both files."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.document(), indent=2) + "\n"
        (self.folder / "bench.json").write_text(text)
        (self.folder / "bench.md").write_text(self.markdown())

    def _row(self, result: Result) -> dict[str, Any]:
        others = {each.name: each.median for each in self.results}
        compared = others.get(result.baseline or "")
        return {
            "name": result.name,
            "unit": result.unit,
            "median": round(result.median, 2),
            "runs": [round(each, 2) for each in result.runs],
            "baseline": result.baseline,
            "ratio": round(result.median / compared, 2) if compared else None,
            "target": result.target,
            "met": result.met,
        }


def machine() -> dict[str, Any]:
    """What it was measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(memory),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
