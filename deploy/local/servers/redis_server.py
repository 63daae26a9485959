"""One Redis on loopback that keeps nothing: what it holds may be lost at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def command(program: str, port: int, folder: Path) -> tuple[str, ...]:
    """Return the server's command: no files, bounded memory, nothing thrown out silently."""
    settings = {
        "port": str(port),
        "bind": "127.0.0.1",
        "protected-mode": "yes",
        "daemonize": "no",
        "save": "",
        "appendonly": "no",
        "maxmemory": "128mb",
        "maxmemory-policy": "noeviction",
        "dir": str(folder),
    }
    return (program, *(part for key, value in settings.items() for part in (f"--{key}", value)))
