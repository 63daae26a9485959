"""The page that shows traces: Zipkin in memory, on loopback, oldest spans dropped first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_MAX_SPANS: Final = 20_000


def command(java: str, jar: Path, port: int) -> tuple[str, ...]:
    """Return the server's command; without all three `ports` fields it listens everywhere."""
    return (
        java,
        *("-Xms32m", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        *("-XX:+ExitOnOutOfMemoryError", "-XX:-UsePerfData"),
        *("-jar", str(jar)),
        f"--armeria.ports[0].port={port}",
        "--armeria.ports[0].address=127.0.0.1",
        "--armeria.ports[0].protocols[0]=http",
        f"--zipkin.storage.mem.max-spans={_MAX_SPANS}",
        f"--zipkin.query.allowed-origins=http://127.0.0.1:{port}",
        "--zipkin.query.names-max-age=5",
        "--logging.level.root=WARN",
    )
