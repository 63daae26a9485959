"""What comes back once a register has withdrawn an entry in error: one message for all of it.

A digest is a cover. What it offers passes the gate part by part when it is opened.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

NUDGE: Final = "digest"
VERSION: Final = "1.0"
# No lawful basis of the catalogue: each part stands on its own.
BASIS: Final = "digest"
_ID_LENGTH: Final = 26

# A nudge's document as the catalogue's are, so that a digest is kept, claimed and shown like them.
DOCUMENT: Final[Mapping[str, Any]] = {
    "id": NUDGE,
    "version": VERSION,
    "owner": "",
    "purpose": "",
    "lawful_basis": BASIS,
    "reference": "",
    "messages": {
        "en": {
            "title": "Some suggestions are open to you again",
            "body": "We had stopped them because of an entry in a register. The register has since"
            " withdrawn or corrected that entry. What still has time is here, in one message.",
            "link": "",
        },
        "cy": {
            "title": "Mae rhai awgrymiadau ar agor i chi eto",
            "body": "Roeddem wedi'u hatal oherwydd cofnod mewn cofrestr. Ers hynny mae'r gofrestr"
            " wedi tynnu'r cofnod hwnnw yn ôl neu ei gywiro. Mae'r hyn sydd ag amser ar ôl yma,"
            " mewn un neges.",
            "link": "",
        },
    },
    "explanation": {
        "en": "A register told us of an entry, and later that it was wrong.",
        "cy": "Dywedodd cofrestr wrthym am gofnod, ac yn ddiweddarach ei fod yn anghywir.",
    },
}


def digest_id(subject: str, serial: int, waits: str = "") -> str:
    """The id of what comes back to a person with one of their sets: the same each time.

    A prompt that waits for its day comes back on that day, alone; `waits` is its id.
    """
    digest = hashlib.sha256(f"digest|1|{subject}|{serial}|{waits}".encode()).digest()
    return base64.b32encode(digest).decode().lower()[:_ID_LENGTH]


def has_time(parameters: Mapping[str, str], today: date) -> bool:
    """Whether a prompt's deadline, if it has one, is still ahead."""
    try:
        return date.fromisoformat(parameters["deadline"]) >= today
    except (KeyError, ValueError):
        return True
