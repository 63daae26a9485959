"""Keyed digests: names for things that only we can derive."""

import hashlib
import hmac
from typing import Final

LEAST_SECRET_BYTES: Final = 32


class SecretTooShort(Exception):
    """A secret has fewer bytes than a digest of ours needs."""


class Seal:
    """Derives digests from one secret; digests for different purposes say nothing of each other."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < LEAST_SECRET_BYTES:
            raise SecretTooShort
        self._secret = secret

    def mark(self, purpose: str, *parts: str) -> str:
        """The digest of the parts, in hexadecimal."""
        # Lengths first, so that no two lists of parts read the same.
        text = "".join(f"{len(part)}:{part}" for part in (purpose, *parts))
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()
