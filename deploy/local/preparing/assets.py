"""The portal's compiled styles and scripts, fetched by npm as its lock file pins them."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from deploy.local.errors import ToolMissing
from deploy.local.servers.debian import Note, ensure_program
from deploy.local.settings import ROOT, TOOLS

if TYPE_CHECKING:
    from pathlib import Path

ASSETS: Final = ROOT / "build" / "portal-assets"
_MANIFESTS: Final = ("package.json", "package-lock.json")
_COMPILED: Final = "node_modules/govuk-frontend/dist/govuk"
_FILES: Final = ("govuk-frontend.min.css", "govuk-frontend.min.js")
_NPM_SECONDS: Final = 300


def ensure_assets(note: Note) -> Path:
    """Return the folder of compiled assets, fetching them if the lock file has changed."""
    portal = ROOT / "services" / "portal"
    pinned = b"".join((portal / name).read_bytes() for name in _MANIFESTS)
    wanted = hashlib.sha256(pinned).hexdigest()
    complete = ASSETS / "complete"
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / "portal-assets.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.is_file() or complete.read_text() != wanted:
            note("fetching the portal's styles and scripts with npm")
            _fetch(portal, note)
            complete.write_text(wanted)
    return ASSETS


def _fetch(portal: Path, note: Note) -> None:
    npm = ensure_program("npm", "npm", note)
    workshop = TOOLS / "portal-assets"
    shutil.rmtree(workshop, ignore_errors=True)
    workshop.mkdir()
    for name in _MANIFESTS:
        shutil.copy(portal / name, workshop)
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=workshop,
        capture_output=True,
        text=True,
        check=False,
        timeout=_NPM_SECONDS,
    )
    if done.returncode != 0:
        first = next(iter(done.stderr.strip().splitlines()), "no reason given")
        message = f"npm could not fetch the portal's styles and scripts: {first[:300]}"
        raise ToolMissing(message)
    shutil.rmtree(ASSETS, ignore_errors=True)
    ASSETS.mkdir(parents=True)
    for name in _FILES:
        shutil.copy(workshop / _COMPILED / name, ASSETS)
    shutil.rmtree(workshop)
