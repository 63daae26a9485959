"""Page tokens of the access log: signed, so that a place cannot be made up or borrowed."""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime
from typing import Final

from services.identity.domain.errors import PageTokenInvalid

Place = tuple[datetime, str]
"""When a line was written, and its id."""

_TAG_BYTES: Final = 16
_MAX_TEXT: Final = 512


class PageTokens:
    """Tokens bound to their person by the signature alone, so that no handle travels in them."""

    def __init__(self, key: bytes) -> None:
        # One key for one use: what is learned of these says nothing of identifiers' digests.
        self._key = hmac.digest(key, b"pages of access logs", hashlib.sha256)

    def after(self, subject: str, place: Place) -> str:
        """The token of the page that follows a line."""
        text = f"{place[0].isoformat()} {place[1]}"
        sealed = self._tag(subject, text) + text.encode()
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def place(self, subject: str, token: str) -> Place | None:
        """The line that a page follows; None for the first page; raises PageTokenInvalid."""
        if not token:
            return None
        if len(token) > _MAX_TEXT:
            raise PageTokenInvalid
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
            text = sealed[_TAG_BYTES:].decode()
        except (binascii.Error, ValueError):
            raise PageTokenInvalid from None
        if not hmac.compare_digest(sealed[:_TAG_BYTES], self._tag(subject, text)):
            raise PageTokenInvalid
        at, _, line_id = text.partition(" ")
        return datetime.fromisoformat(at), line_id

    def _tag(self, subject: str, text: str) -> bytes:
        signed = f"{subject}\0{text}".encode()
        return hmac.digest(self._key, signed, hashlib.sha256)[:_TAG_BYTES]
