"""New random identifiers, and how one looks."""

import base64
import re
import secrets
from typing import Final

ID_LENGTH: Final = 26

# 130 random bits written as 26 letters and digits of RFC 4648's base32, in lower case.
_ID = re.compile(r"[a-z2-7]{26}")


def new_random_id() -> str:
    """A new id: 26 lower-case base32 characters carrying 130 random bits."""
    return base64.b32encode(secrets.token_bytes(20)).decode("ascii").lower()[:ID_LENGTH]


def is_id(text: str) -> bool:
    """Whether the text has the form of an id; says nothing about whether it exists."""
    return _ID.fullmatch(text) is not None
