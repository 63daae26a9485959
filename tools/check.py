"""Runs what CI runs: `python -m tools.check [STEP...]`, all of it when no step is named."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

ROOT: Final = Path(__file__).resolve().parent.parent
BIN: Final = Path(sys.executable).parent
_CODE: Final = ("services", "client/joinedup", "deploy", "demo", "tools", "tests")
_UNIT: Final = "tests/unit"
# The rules import little and try properties; the other unit tests import much and try few. So they
# are two shares of about the same length, side by side.
_RULES: Final = tuple(
    f"{_UNIT}/{name}" for name in ("events", "identity", "notifications", "nudges", "portal")
)
_OTHERS_WITHOUT_SERVERS: Final = ("tests/scenarios", "tests/contract", "tests/architecture")
_STATIC_SECONDS: Final = 600
_TESTS_SECONDS: Final = 1800

_console = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One check and how long it took; `output` is shown when it fails."""

    name: str
    passed: bool
    seconds: float
    output: str = ""


def static_commands() -> dict[str, list[str]]:
    """Return the checks that only read, by name."""
    code = [folder for folder in _CODE if any((ROOT / folder).rglob("*.py"))]
    found = {
        "lint": [str(BIN / "ruff"), "check", "."],
        "format-check": [str(BIN / "ruff"), "format", "--check", "."],
        "types": [str(BIN / "mypy"), *code],
        "imports": [str(BIN / "lint-imports"), "--no-logo"],
        "buf-lint": [str(BIN / "buf"), "lint"],
        "stubs": [sys.executable, "tools/generate_protos.py", "--check"],
        "reference": [sys.executable, "-m", "tools.generate_reference", "--check"],
        "asyncapi": [sys.executable, "-m", "tools.check_asyncapi"],
    }
    if base := breaking_base():
        against = f".git#format=git,ref={base}"
        found["buf-breaking"] = [str(BIN / "buf"), "breaking", "--against", against]
    return found


def breaking_base() -> str | None:
    """Return the commit whose contracts may not be broken; None if there is none.

    On a branch that is where it left main; on main itself, the commit before.
    """
    head = _git("rev-parse", "--verify", "-q", "HEAD")
    left_main = _git("merge-base", "HEAD", "main")
    before = _git("rev-parse", "--verify", "-q", "HEAD~1")
    base = left_main if left_main != head else before
    return base if base and _git("ls-tree", base, "buf.yaml") else None


def run_static(names: list[str]) -> list[Step]:
    """Run the named checks, as many at once as there are cores."""
    commands = static_commands()
    if "buf-breaking" in names and "buf-breaking" not in commands:
        _console.print("- buf-breaking: no earlier commit to compare with", style="dim")
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        waits = [pool.submit(_run, name, commands[name]) for name in names if name in commands]
        return [wait.result() for wait in waits]


def run_unit() -> Step:
    """Run the unit tests in two shares side by side; their output is shown when one fails."""
    begun = time.monotonic()
    rest = [_UNIT, *(f"--ignore={folder}" for folder in _RULES)]
    shares = {"test-unit-rules": list(_RULES), "test-unit": rest}
    with ThreadPoolExecutor(max_workers=len(shares)) as pool:
        ended = list(pool.map(lambda report: _captured(_pytest(report, *shares[report])), shares))
    failed = [each.stdout for each in ended if each.returncode]
    step = Step("unit", not failed, time.monotonic() - begun, "".join(failed))
    _show(step)
    return step


def run_tests(folders: list[str], report: str, marked: str = "") -> Step:
    """Run pytest with its output as it comes, and the slowest tests named at the end."""
    begun = time.monotonic()
    command = _pytest(report, *folders, "--durations=5", marked=marked)
    done = subprocess.run(command, cwd=ROOT, env=_environment(), check=False)
    return Step("tests", done.returncode == 0, time.monotonic() - begun)


def run_server_tests() -> list[Step]:
    """Run what is no unit test: those that share a set of servers, and beside them all others.

    The others start what they need themselves, kill it and wait out what the log allows a dead
    reader: neither half keeps a core busy.
    """
    begun = time.monotonic()
    folders = ["tests", f"--ignore={_UNIT}"]
    others = _pytest("test", *folders, "--durations=5", marked="not shared_servers")
    with ThreadPoolExecutor(max_workers=1) as pool:
        beside = pool.submit(_captured, others, _TESTS_SECONDS)
        shared = run_tests(folders, "test-shared-servers", marked="shared_servers")
        done = beside.result()
    _console.print(Text(done.stdout.rstrip()), soft_wrap=True)
    return [shared, Step("other tests", done.returncode == 0, time.monotonic() - begun)]


def prepare_servers() -> Step:
    """Fetch what the native servers need, so that no test waits for a download."""
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "deploy.local", "fetch"], cwd=ROOT, check=False)
    return Step("servers", done.returncode == 0, time.monotonic() - begun)


def main() -> int:
    """Run from the command line; return 0 if every check passed."""
    known = (*static_names(), "unit", "tests")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", nargs="*", help=", ".join(known))
    wanted = parser.parse_args().step or [*static_names(), "tests"]
    if unknown := set(wanted).difference(known):
        parser.error(f"no step is called {', '.join(sorted(unknown))}")
    steps = run_static([name for name in wanted if name in static_names()])
    if "unit" in wanted or "tests" in wanted:
        steps.append(run_unit())
    if "unit" in wanted:
        steps.append(run_tests(list(_OTHERS_WITHOUT_SERVERS), "test-without-servers"))
    if "tests" in wanted:
        steps.append(prepare_servers())
        steps += run_server_tests()
    failed = [step.name for step in steps if not step.passed]
    if failed:
        _console.print(f"failed: {', '.join(failed)}", style="bold red")
    return 1 if failed else 0


def static_names() -> tuple[str, ...]:
    """Return the names of the checks that only read."""
    contracts = ("buf-lint", "buf-breaking", "stubs", "reference", "asyncapi")
    return ("lint", "format-check", "types", "imports", *contracts)


def _pytest(report: str, *arguments: str, marked: str = "") -> list[str]:
    """The command that runs these tests and writes a JUnit report in build/."""
    (ROOT / "build").mkdir(exist_ok=True)
    marks = " and ".join(filter(None, ("not performance", marked)))
    options = ["-q", "-m", marks, "--junitxml", f"build/{report}.xml"]
    return [sys.executable, "-m", "pytest", *options, *arguments]


def _environment() -> dict[str, str]:
    """What is compiled for a test is kept for the next run, also where images are built slim."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _captured(
    command: list[str], seconds: float = _STATIC_SECONDS
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=seconds,
    )


def _run(name: str, command: list[str]) -> Step:
    begun = time.monotonic()
    done = _captured(command)
    step = Step(name, done.returncode == 0, time.monotonic() - begun, done.stdout)
    _show(step)
    return step


def _show(step: Step) -> None:
    mark = Text("✓", style="green") if step.passed else Text("✗", style="red")
    _console.print(mark, f"{step.name:<14}{step.seconds:6.1f} s")
    if not step.passed:
        _console.print(Text(step.output.rstrip()))


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main())
