"""Programs that Debian packages bring: looked for first, installed when we are root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from deploy.local.errors import ToolMissing

Note = Callable[[str], None]

_APT_SECONDS: Final = 300
_POSTGRES_FOLDERS: Final = "/usr/lib/postgresql"


def ensure_program(program: str, package: str, note: Note) -> str:
    """Return the path of a program, installing its Debian package if need and right be."""
    if found := _on_path(program):
        return found
    _install(package, program, note)
    if found := _on_path(program):
        return found
    message = f"{program} is still missing after installing {package}"
    raise ToolMissing(message)


def ensure_postgres(note: Note) -> Path:
    """Return the folder of PostgreSQL's server programs, the newest version's if several."""
    if found := _postgres_folder():
        return found
    _install("postgresql", "PostgreSQL's server", note)
    if found := _postgres_folder():
        return found
    message = "PostgreSQL's server is still missing after installing the package postgresql"
    raise ToolMissing(message)


def _on_path(program: str) -> str | None:
    folders = os.pathsep.join((os.defpath, "/usr/local/bin", "/usr/local/sbin", "/usr/sbin"))
    return shutil.which(program) or shutil.which(program, path=folders)


def _postgres_folder() -> Path | None:
    candidates = sorted(
        Path(_POSTGRES_FOLDERS).glob("*/bin/postgres"),
        key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0,
        reverse=True,
    )
    if candidates:
        return candidates[0].parent
    if pg_config := _on_path("pg_config"):
        asked = subprocess.run(
            [pg_config, "--bindir"], capture_output=True, text=True, check=False, timeout=10
        )
        folder = Path(asked.stdout.strip())
        if (folder / "postgres").is_file():
            return folder
    return None


def _install(package: str, wanted: str, note: Note) -> None:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        message = f"{wanted} is missing; install it with: sudo apt-get install -y {package}"
        raise ToolMissing(message)
    note(f"installing Debian's {package}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = [apt, "install", "-y", "-qq", "--no-install-recommends", package]
    for command in (install, [apt, "update", "-qq"], install):
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_APT_SECONDS,
        )
        if command is install and done.returncode == 0:
            return
    last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
    message = f"apt-get install {package} failed: {' '.join(last)}"
    raise ToolMissing(message)
