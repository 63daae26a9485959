"""The platform that runs on this machine: its addresses, and the keys it made for publishers."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from joinedup.client.errors import ClientError

_DEFAULT_HOME: Final = Path("build", "run")


class NoLocalPlatform(ClientError):
    """No platform runs here, or it has no key for this publisher."""

    code = "no_local_platform"


@dataclass(frozen=True, slots=True)
class LocalPlatform:
    """One platform's folder."""

    home: Path

    @classmethod
    def at(cls, home: str | Path | None = None) -> Self:
        """In the given folder, else in JOINEDUP_HOME, else in build/run below the current one."""
        return cls(Path(home or os.environ.get("JOINEDUP_HOME") or _DEFAULT_HOME).expanduser())

    def address(self, name: str) -> str:
        """An address by its name in endpoints.json, such as events_http, events_grpc or kafka.

        Raises NoLocalPlatform.
        """
        try:
            found = json.loads((self.home / "endpoints.json").read_text(encoding="utf-8"))
            return str(found[name])
        except (OSError, ValueError, KeyError):
            raise NoLocalPlatform(
                f"no platform with {name} runs in {self.home}: start one with `make up`, or name "
                "its folder in JOINEDUP_HOME"
            ) from None

    def private_key(self, publisher_id: str) -> Path:
        """A publisher's private key; raises NoLocalPlatform."""
        path = self.home / "keys" / "publishers" / f"{publisher_id}.private.pem"
        if not path.is_file():
            raise NoLocalPlatform(f"there is no private key {path}")
        return path
