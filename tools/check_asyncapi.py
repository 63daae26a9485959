"""Reads docs/reference/asyncapi.yaml with AsyncAPI's own parser: `python -m tools.check_asyncapi`.

The parser is fetched once, as tools/asyncapi pins it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from deploy.local.preparing.npm import ensure_packages
from deploy.local.servers.debian import ensure_program
from deploy.local.settings import ROOT

DOCUMENT: Final = ROOT / "docs" / "reference" / "asyncapi.yaml"
_SOURCE: Final = ROOT / "tools" / "asyncapi"
_MADE: Final = ROOT / "build" / "asyncapi"
_SECONDS: Final = 60


def check(document: Path) -> subprocess.CompletedProcess[str]:
    """What the parser says of a document; its exit code is 0 when nothing is wrong.

    Raises ToolMissing when the parser or node cannot be had.
    """
    node = ensure_program("node", "nodejs", print)
    made = ensure_packages(_SOURCE, _MADE, "AsyncAPI's parser", _keep, print)
    script = shutil.copy(_SOURCE / "check.mjs", made)  # a module's packages are found beside it
    return subprocess.run(
        [node, script, str(document)],
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )


def main() -> int:
    """Run from the command line; return 0 if nothing is wrong."""
    done = check(DOCUMENT)
    print((done.stdout + done.stderr).rstrip())
    return done.returncode


def _keep(fetched: Path, made: Path) -> None:
    shutil.move(fetched / "node_modules", made)


if __name__ == "__main__":
    sys.exit(main())
