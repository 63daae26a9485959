"""The platform's own word about who is calling: person tokens."""

from datetime import datetime, timedelta
from pathlib import Path

from services.identity.ports import NewId
from services.kit.service_tokens import (
    PERSON_AUDIENCE,
    PERSON_ISSUER,
    PERSON_LIFETIME,
    PERSON_TYPE,
    TokenSigner,
)


class SignedPersonTokens:
    """The port PersonTokens: ES256, for 15 minutes."""

    def __init__(self, private_key_file: Path, new_id: NewId) -> None:
        self._new_id = new_id
        self._signer = TokenSigner(
            PERSON_ISSUER, private_key_file, PERSON_TYPE, PERSON_LIFETIME.total_seconds()
        )

    def token(self, handle: str, language: str, now: datetime) -> tuple[str, datetime]:
        """A fresh token; it ends on a whole second."""
        claims = {"sub": handle, "lang": language, "jti": self._new_id()}
        token = self._signer.sign(PERSON_AUDIENCE, now, claims)
        return token, now.replace(microsecond=0) + timedelta(
            seconds=PERSON_LIFETIME.total_seconds()
        )
