"""Fetches the portal's styles and scripts from npm and takes out what belongs to somebody else.

govuk-frontend's code is free (MIT); the typeface, the crest and the crown in it are not for other
services, so the style sheet loses them and no image or font is copied. Quick when nothing changed.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DECLARED = ROOT / "services" / "portal"
TARGET = ROOT / "build" / "portal-assets"
STAMP = ".stamp"

STYLES = "govuk-frontend.min.css"
SCRIPTS = "govuk-frontend.min.js"
FONTS = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif'

_MAP = re.compile(r"\n?(//|/\*)# sourceMappingURL=\S+( \*/)?\s*$")

# The rule that fetches the typeface, with the notice of its owners before it.
_TYPEFACE = re.compile(r"(/\*![^*]*\*/)?@font-face\{[^}]*\}")
_FAMILY = "GDS Transport,arial,sans-serif"
_ADDRESS = re.compile(r"url\([^)]*\)")


def without_others_marks(styles: str) -> str:
    """The style sheet without the typeface, and without any image."""
    plain = _TYPEFACE.sub("", _MAP.sub("\n", styles)).replace(_FAMILY, FONTS)
    return _ADDRESS.sub("none", plain)


def fetch(into: Path) -> None:
    """Install the pinned package without running anything of it, and copy the two files."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is missing; install it with: sudo apt-get install -y npm")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(DECLARED / name, into)
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=into,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"npm ci failed: {(done.stderr or done.stdout).strip()}")


def main() -> None:
    """Fetch unless the last fetch was from the same declaration by the same program."""
    sources = (DECLARED / "package-lock.json", Path(__file__))
    stamp = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    written = TARGET / STAMP
    if written.is_file() and written.read_text() == stamp:
        return
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=TARGET.parent, prefix="portal-assets-") as folder:
        fetched = Path(folder)
        fetch(fetched)
        compiled = fetched / "node_modules" / "govuk-frontend" / "dist" / "govuk"
        ready = fetched / "ready"
        ready.mkdir()
        styles = (compiled / STYLES).read_text("utf-8")
        (ready / STYLES).write_text(without_others_marks(styles), "utf-8")
        scripts = (compiled / SCRIPTS).read_text("utf-8")
        (ready / SCRIPTS).write_text(_MAP.sub("\n", scripts), "utf-8")
        (ready / STAMP).write_text(stamp)
        shutil.rmtree(TARGET, ignore_errors=True)
        ready.rename(TARGET)
    sys.stdout.write(f"fetched {TARGET.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
