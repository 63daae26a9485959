"""What the environment may decide about a local platform: its folder, its ports, other servers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.local.errors import LocalError
from deploy.local.ports import DEFAULT_BASE, check_base

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).resolve().parents[2]
TOOLS: Final = ROOT / "build" / "tools"


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """Servers that exist already; one that is None is started by the platform itself."""

    kafka_bootstrap: str | None = None
    database_url: str | None = None
    redis_url: str | None = None


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """Where this platform lives and which servers it need not start."""

    home: Path
    port_base: int
    external: External


def from_environment(environment: Mapping[str, str] | None = None) -> LocalSettings:
    """Read JOINEDUP_HOME, JOINEDUP_PORT_BASE, KAFKA_BOOTSTRAP, DATABASE_URL and REDIS_URL."""
    values = os.environ if environment is None else environment
    base = values.get("JOINEDUP_PORT_BASE") or str(DEFAULT_BASE)
    if not base.isascii() or not base.isdigit():
        message = "JOINEDUP_PORT_BASE must be a whole number, such as 17000"
        raise LocalError(message)
    return LocalSettings(
        home=Path(values.get("JOINEDUP_HOME") or ROOT / "build" / "run").expanduser().absolute(),
        port_base=check_base(int(base)),
        external=External(
            kafka_bootstrap=values.get("KAFKA_BOOTSTRAP") or None,
            database_url=values.get("DATABASE_URL") or None,
            redis_url=values.get("REDIS_URL") or None,
        ),
    )
