"""The portal's compiled styles and scripts, fetched by npm as its lock file pins them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from deploy.local.preparing.npm import ensure_packages
from deploy.local.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.local.servers.debian import Note

ASSETS: Final = ROOT / "build" / "portal-assets"
_COMPILED: Final = "node_modules/govuk-frontend/dist/govuk"
_FILES: Final = ("govuk-frontend.min.css", "govuk-frontend.min.js")


def ensure_assets(note: Note) -> Path:
    """Return the folder of compiled assets, fetching them if the lock file has changed."""
    portal = ROOT / "services" / "portal"
    return ensure_packages(portal, ASSETS, "the portal's styles and scripts", _keep, note)


def _keep(fetched: Path, made: Path) -> None:
    for name in _FILES:
        shutil.copy(fetched / _COMPILED / name, made)
