"""Packages that npm fetches as a lock file pins them, once for each change of it."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.local.errors import ToolMissing
from deploy.local.servers.debian import ensure_program
from deploy.local.settings import TOOLS

if TYPE_CHECKING:
    from deploy.local.servers.debian import Note

# Is given the folder where the packages are, and the one that keeps what is needed of them.
Keep = Callable[[Path, Path], None]

_MANIFESTS: Final = ("package.json", "package-lock.json")
_SECONDS: Final = 300


def ensure_packages(source: Path, made: Path, what: str, keep: Keep, note: Note) -> Path:
    """Return the folder `made`, filled anew if the lock file in `source` has changed.

    `what` names the packages to a person. Raises ToolMissing when npm cannot fetch them.
    """
    pinned = b"".join((source / name).read_bytes() for name in _MANIFESTS)
    wanted = hashlib.sha256(pinned).hexdigest()
    complete = made / "complete"
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / f"{made.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.is_file() or complete.read_text() != wanted:
            note(f"fetching {what} with npm")
            workshop = TOOLS / made.name
            _fetch(source, workshop, what, note)
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir(parents=True)
            keep(workshop, made)
            shutil.rmtree(workshop)
            complete.write_text(wanted)
    return made


def _fetch(source: Path, workshop: Path, what: str, note: Note) -> None:
    npm = ensure_program("npm", "npm", note)
    shutil.rmtree(workshop, ignore_errors=True)
    workshop.mkdir()
    for name in _MANIFESTS:
        shutil.copy(source / name, workshop)
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=workshop,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    if done.returncode != 0:
        first = next(iter(done.stderr.strip().splitlines()), "no reason given")
        message = f"npm could not fetch {what}: {first[:300]}"
        raise ToolMissing(message)
