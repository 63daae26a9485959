"""`joinedup` as tests run it: as a process of its own, or inside this one."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from typer.testing import CliRunner

from deploy.local.settings import ROOT
from joinedup.cli.app import app

_SECONDS: Final = 90


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def documents(self) -> list[Any]:
        """What it answered with --json, one document a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def document(self) -> Any:
        """The one document it answered with."""
        (found,) = self.documents
        return found


class InProcess:
    """The command line without the cost of a process."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *arguments: object, stdin: str = "") -> Ran:
        """Run a command."""
        environment = {"JOINEDUP_HOME": str(self.home), "COLUMNS": "200"}
        done = CliRunner().invoke(app, [*map(str, arguments)], input=stdin, env=environment)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Ran(done.exit_code, done.stdout, done.stderr)


class AsProcess:
    """The command line as a person or a script runs it."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *arguments: object, stdin: str = "") -> Ran:
        """Run a command."""
        done = subprocess.run(
            self._command(arguments),
            env=self._environment(),
            input=stdin,
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=_SECONDS,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def started(self, *arguments: object) -> subprocess.Popen[bytes]:
        """Start a command, for a test that ends it."""
        return subprocess.Popen(
            self._command(arguments),
            env=self._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
        )

    def on_a_terminal(self, *arguments: object) -> str:
        """Run a command for a person who watches it, and return all that the terminal was sent."""
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "rb", buffering=0) as screen:
            process = subprocess.Popen(
                self._command(arguments),
                env={**self._environment(), "COLUMNS": "160", "TERM": "xterm"},
                stdout=theirs,
                stderr=theirs,
                cwd=ROOT,
            )
            os.close(theirs)
            shown = b""
            # Reading fails once nobody holds the other end any more.
            with contextlib.suppress(OSError):
                while part := screen.read(4096):
                    shown += part
            process.wait(_SECONDS)
        return shown.decode()

    def _command(self, arguments: tuple[object, ...]) -> list[str]:
        return [sys.executable, "-m", "joinedup.cli", *map(str, arguments)]

    def _environment(self) -> dict[str, str]:
        search = os.pathsep.join(str(ROOT / each) for each in (".", "protos/python", "client"))
        return {**os.environ, "JOINEDUP_HOME": str(self.home), "PYTHONPATH": search}
