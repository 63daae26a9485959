"""What a race showed: build/race.json for programs, build/race.md for people."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from demo.evidence import percentile
from tests.faults.contradiction import Contradiction
from tests.faults.operation import Kind, Operation, Result
from tests.performance.report import machine
from tests.race.verdict import JUDGED

MOST_TOLD: Final = 3
# Each mutant lets something pass after a no.
KILLED_BY: Final = "I3"
_MILLISECOND: Final = 1e6
_FAULTS: Final = (Kind.KILL, Kind.FREEZE, Kind.WIPE)


@dataclass(slots=True)
class Raced:
    """All that is known of one race."""

    seed: int
    mutant: str
    targets: Mapping[str, int]
    seconds: float = 0.0
    load: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    ended_alone: dict[str, int] = field(default_factory=dict)
    """Services that ended without having been killed, and were started again."""
    latency_ms: dict[str, dict[str, float]] = field(default_factory=dict)
    quiet_after_seconds: float | None = None
    """None when something was still under way at the end of the time."""
    unfinished: dict[str, int] = field(default_factory=dict)
    latest_frame_ms: float = 0.0
    """How long after a no held a sealed frame came to a device that it had ended."""
    clock_moved_ms: float = 0.0
    contradictions: list[Contradiction] = field(default_factory=list)
    trouble: str = ""

    @property
    def broken(self) -> dict[str, int]:
        """How many contradictions there are, by invariant."""
        return dict(Counter(each.invariant for each in self.contradictions))

    @property
    def duplicates(self) -> int:
        """How many prompts were shown, written or claimed more often than they may be."""
        return self.broken.get("I2", 0)

    @property
    def missed(self) -> list[str]:
        """What there was too little of to prove anything."""
        return [name for name, least in self.targets.items() if self.load.get(name, 0) < least]

    @property
    def passed(self) -> bool:
        """Whether the race shows what it should; of a mutant, that it was seen."""
        if self.trouble:
            return False
        if self.mutant:
            return KILLED_BY in self.broken
        quiet = self.quiet_after_seconds is not None
        return quiet and not self.contradictions and not self.missed

    @property
    def told(self) -> list[str]:
        """A few contradictions of each invariant, in full."""
        told = []
        for name in self.broken:
            same = [str(each) for each in self.contradictions if each.invariant == name]
            told += same[:MOST_TOLD]
        return told

    def document(self) -> dict[str, Any]:
        """As data."""
        found = {name: f"broken: {times}" for name, times in self.broken.items()}
        document = {
            "passed": self.passed,
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "machine": machine(),
            "load": self.load,
            "refused": self.refused,
            "faults": self.faults,
            "ended_alone": self.ended_alone,
            "invariants": dict.fromkeys(JUDGED, "held") | found,
            "duplicates": self.duplicates,
            "withdrawal_ms": self.latency_ms,
            "quiet_after_seconds": self.quiet_after_seconds,
            "unfinished": self.unfinished,
            "latest_frame_ms": self.latest_frame_ms,
            "clock_moved_ms": round(self.clock_moved_ms, 3),
            "contradictions": self.told,
            "trouble": self.trouble,
        }
        if self.mutant:
            by = f"killed by {KILLED_BY}" if KILLED_BY in self.broken else "survived"
            document["mutants"] = {self.mutant: by}
        return document

    def markdown(self) -> str:
        """As tables."""
        found = self.document()
        here = found["machine"]
        title = f"the race with seed {self.seed}"
        title += f", mutant {self.mutant}" if self.mutant else ""
        place = f"{here['cores']} cores, {here['memory_gb']} GB, Python {here['python']}"
        verdict = "passed" if self.passed else "**not passed**"
        lines = [
            f"{title}: {verdict} in {self.seconds:.0f} s ({place})",
            *_table("load", "times", self.load),
            *_table("fault", "times", self.faults),
            *(_table("ended by itself", "times", self.ended_alone) if self.ended_alone else []),
            *_table("invariant", "", found["invariants"] | found.get("mutants", {})),
            "",
            "| a no, until it holds | how many | p50 | p99 | p99.9 | longest |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {name} | {each['count']:.0f} | {each['p50']:.0f} ms | {each['p99']:.0f} ms "
            f"| {each['p99.9']:.0f} ms | {each['longest']:.0f} ms |"
            for name, each in self.latency_ms.items()
        ]
        quiet = self.quiet_after_seconds
        ended = "not quiet in the time given" if quiet is None else f"quiet after {quiet:.1f} s"
        left = ", ".join(f"{name} {times}" for name, times in self.unfinished.items() if times)
        lines += [
            "",
            f"latest frame of something ended: {self.latest_frame_ms:.0f} ms after it held",
        ]
        lines += ["", ended + (f"; left: {left}" if left else "")]
        if self.refused:
            lines += ["", *_table("refused", "times", self.refused)]
        if self.missed and not self.mutant:
            lines += ["", f"too few: {', '.join(self.missed)}"]
        if self.trouble:
            lines += ["", self.trouble]
        for each in self.told:
            lines += ["", "```", each, "```"]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> None:
        """Write both files."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.document(), indent=2) + "\n"
        (folder / "race.json").write_text(text, encoding="utf-8")
        (folder / "race.md").write_text(self.markdown(), encoding="utf-8")


def _table(name: str, value: str, rows: Mapping[str, Any]) -> list[str]:
    cells = [f"| {key} | {each} |" for key, each in rows.items()]
    return ["", f"| {name} | {value} |", "|---|---|", *cells]


def faults(operations: Iterable[Operation]) -> dict[str, int]:
    """How often each part was struck, and how, those that found something to strike."""
    struck = Counter(
        f"{each.kind} {each.part}"
        for each in operations
        if each.kind in _FAULTS and each.result is Result.OK
    )
    return dict(sorted(struck.items()))


def latency(
    said: Sequence[tuple[int, int]], struck: Sequence[tuple[int, int]], after_ns: int
) -> dict[str, dict[str, float]]:
    """How long a no took, in milliseconds: on the whole platform, and while something was broken.

    Something counts as broken for `after_ns` longer than it was: until the leases of what was
    killed have run out.
    """
    begins, ends = [begin for begin, _ in struck], [end + after_ns for _, end in struck]

    def meanwhile(begin: int, end: int) -> bool:
        last = bisect_right(begins, end) - 1
        return last >= 0 and ends[last] >= begin

    kinds: dict[str, list[float]] = {"nothing broken": [], "something broken": []}
    for begin, end in said:
        name = "something broken" if meanwhile(begin, end) else "nothing broken"
        kinds[name].append((end - begin) / _MILLISECOND)
    return {name: distribution(found) for name, found in kinds.items() if found}


def distribution(values: Sequence[float]) -> dict[str, float]:
    """Its figures."""
    return {
        "count": len(values),
        "p50": round(percentile(values, 0.5), 1),
        "p99": round(percentile(values, 0.99), 1),
        "p99.9": round(percentile(values, 0.999), 1),
        "longest": round(max(values, default=0.0), 1),
    }
