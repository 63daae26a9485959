"""People and events of the journeys; every run has numbers of its own."""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any


def _forename() -> str:
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(8)).capitalize()


def _digits() -> str:
    return f"{secrets.randbelow(1_000_000):06d}"


@dataclass(frozen=True, slots=True)
class Parent:
    """A mother who never lived; nobody else has her numbers."""

    number: str = field(default_factory=_digits)
    language: str = "en"

    @property
    def sub(self) -> str:
        """How she signs in."""
        return f"nerys-{self.number}"

    @property
    def nino(self) -> str:
        """Her NINO, of a prefix that is never issued."""
        return f"QQ{self.number}C"

    def line(self) -> dict[str, Any]:
        """She, as `joinedup people add` reads her."""
        return {
            "sub": self.sub,
            "name": {"given": ["Nerys"], "family": "Vaughan"},
            "birth_date": "1993-04-05",
            "postcode": "CF10 1AA",
            "sex": "F",
            "identifiers": [{"scheme": "nino", "value": self.nino}],
            "language": self.language,
            "nation": "W",
        }

    def birth(self) -> dict[str, Any]:
        """The birth of another child of hers, three days ago: told twice it would be the same."""
        now = datetime.now(UTC)
        day = (now - timedelta(days=3)).date().isoformat()
        return {
            "specversion": "1.0",
            "id": f"GRO-E2E-{secrets.token_hex(6)}",
            "source": "urn:uk:register:civil-registration",
            "type": "civil-registration.birth.registered.v1",
            "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "datacontenttype": "application/json",
            "data": {
                "occurred": day,
                "registered_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
                "nation": "W",
                "reason": "registered",
                "persons": [
                    {
                        "role": "child",
                        "name": {"given": [_forename()], "family": "Vaughan"},
                        "birth_date": day,
                    },
                    {
                        "role": "mother",
                        "identifiers": [{"scheme": "nino", "value": self.nino}],
                        "name": {"given": ["Nerys"], "family": "Vaughan"},
                        "birth_date": "1993-04-05",
                        "postcode": "CF10 1AA",
                    },
                ],
                "facts": {"multiple_birth": False},
            },
        }


def write(folder: Path, name: str, *documents: dict[str, Any]) -> Path:
    """Write documents, one a line."""
    path = folder / name
    path.write_text("".join(json.dumps(each) + "\n" for each in documents), encoding="utf-8")
    return path
