"""The short signed statement with which a department says who is calling."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from joserfc import jwt
from joserfc.jwk import ECKey

AUDIENCE: Final = "joinedup-events"
LIFETIME_SECONDS: Final = 120
LONGEST_LIFETIME_SECONDS: Final = 300
_PEM: Final = b"-----BEGIN"


class PublisherKey:
    """A department's private key (EC P-256): a PEM file's path, or its text.

    `kid` is the key's id in the register of publishers. Without one the platform tries all of the
    publisher's keys that are in force.
    """

    def __init__(self, publisher_id: str, key: str | bytes | Path, kid: str | None = None) -> None:
        self.publisher_id = publisher_id
        self._kid = kid
        self._key = ECKey.import_key(_pem(key))

    def token(
        self, now: float, *, jti: str | None = None, lifetime_seconds: int = LIFETIME_SECONDS
    ) -> str:
        """Sign a token for one call, good for two minutes from `now` (POSIX seconds).

        `jti` is its id, which the platform takes once; a new one unless given.
        """
        claims = {
            "iss": self.publisher_id,
            "aud": AUDIENCE,
            "iat": int(now),
            "exp": int(now) + lifetime_seconds,
            "jti": jti or secrets.token_urlsafe(18),
        }
        header = {"alg": "ES256", "typ": "publisher+jwt"}
        return jwt.encode(header | ({"kid": self._kid} if self._kid else {}), claims, self._key)


def _pem(key: str | bytes | Path) -> bytes:
    if isinstance(key, str) and key.lstrip().encode().startswith(_PEM):
        return key.encode()
    if isinstance(key, bytes):
        return key
    return Path(key).read_bytes()
