"""The short signed statement with which a department says who is calling."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from joserfc import jwt
from joserfc.jwk import ECKey

AUDIENCE: Final = "joinedup-events"
LIFETIME_SECONDS: Final = 120
_PEM: Final = b"-----BEGIN"


class PublisherKey:
    """A department's private key (EC P-256): a PEM file's path, or its text."""

    def __init__(self, publisher_id: str, key: str | bytes | Path, kid: str) -> None:
        self._publisher_id = publisher_id
        self._kid = kid
        self._key = ECKey.import_key(_pem(key))

    def token(self, now: float) -> str:
        """Sign a token for one call, good for two minutes from `now` (POSIX seconds)."""
        claims = {
            "iss": self._publisher_id,
            "aud": AUDIENCE,
            "iat": int(now),
            "exp": int(now) + LIFETIME_SECONDS,
            "jti": secrets.token_urlsafe(18),
        }
        header = {"alg": "ES256", "typ": "publisher+jwt", "kid": self._kid}
        return jwt.encode(header, claims, self._key)


def _pem(key: str | bytes | Path) -> bytes:
    if isinstance(key, str) and key.lstrip().encode().startswith(_PEM):
        return key.encode()
    if isinstance(key, bytes):
        return key
    return Path(key).read_bytes()
