"""`joinedup publishers` over a home and a catalogue of a test's own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

from deploy.local.settings import ROOT
from joinedup.cli.publisher_register import Register
from tests.command_line import InProcess, Ran

ID: Final = "council-swansea"


class Commands:
    """What a test does to them, and what is there then."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.keys = self.home / "keys" / "publishers"
        self.catalogue = Path(shutil.copytree(ROOT / "catalogue", folder / "catalogue"))
        self.register = Register(self.catalogue)
        self._run = InProcess(self.home)

    def __call__(self, command: str, *arguments: object) -> Ran:
        """Run one of the commands."""
        return self._run("publishers", command, *arguments, "--catalogue", self.catalogue)

    def done(self, command: str, *arguments: object) -> Any:
        """What a command answers that succeeds."""
        ran = self(command, *arguments, "--json")
        assert ran.code == 0, ran.out
        return ran.document

    def refused(self, command: str, *arguments: object) -> str:
        """The code of a command that fails, which also tells a cure."""
        ran = self(command, *arguments, "--json")
        assert ran.code == 1, ran.out
        assert ran.document["error"]["fix"]
        return str(ran.document["error"]["code"])

    def text(self, publisher: str = ID) -> str:
        """An entry as it is written."""
        return self.register.path(publisher).read_text()

    def findings(self, *publishers: str) -> dict[str, Any]:
        """What a check finds wrong, by name."""
        ran = self("check", *publishers, "--json")
        bad = {each["name"]: each for each in ran.document["findings"] if not each["good"]}
        assert (ran.code == 0) == (not bad) == ran.document["healthy"]
        return bad
