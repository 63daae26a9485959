"""Opaque tokens that carry a place: signed, so that a place cannot be made up or borrowed."""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime
from typing import Final

from services.notifications.domain.errors import CursorInvalid, PageTokenInvalid

_TAG_BYTES: Final = 16
_MAX_TEXT: Final = 512
_MAX_POSITION: Final = 2**63 - 1
_BEFORE_ANYTHING: Final = 0


class PlaceTokens:
    """Cursors of streams and page tokens of the inbox, signed with one secret key.

    Each is bound to its person by the signature alone, so that no handle travels in it.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def cursor(self, subject: str, position: int) -> str:
        """The cursor of a position on a person's stream."""
        return self._seal("cursor", subject, str(position))

    def position(self, subject: str, cursor: str) -> int:
        """The position of a cursor; 0 for the empty one; raises CursorInvalid."""
        if not cursor:
            return _BEFORE_ANYTHING
        place = self._open("cursor", subject, cursor)
        if place is None or not place.isdecimal() or int(place) > _MAX_POSITION:
            raise CursorInvalid
        return int(place)

    def page(self, subject: str, at: datetime, prompt_id: str) -> str:
        """The token of the page that follows an entry."""
        return self._seal("page", subject, f"{at.isoformat()} {prompt_id}")

    def after(self, subject: str, token: str) -> tuple[datetime, str] | None:
        """The entry a page follows; None for the first page; raises PageTokenInvalid."""
        if not token:
            return None
        place = self._open("page", subject, token)
        if place is None:
            raise PageTokenInvalid
        at, _, prompt_id = place.partition(" ")
        return datetime.fromisoformat(at), prompt_id

    def _seal(self, kind: str, subject: str, place: str) -> str:
        sealed = self._tag(kind, subject, place) + place.encode()
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def _open(self, kind: str, subject: str, token: str) -> str | None:
        if len(token) > _MAX_TEXT:
            return None
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
            place = sealed[_TAG_BYTES:].decode()
        except (binascii.Error, ValueError):
            return None
        expected = self._tag(kind, subject, place)
        return place if hmac.compare_digest(sealed[:_TAG_BYTES], expected) else None

    def _tag(self, kind: str, subject: str, place: str) -> bytes:
        signed = f"{kind}\0{subject}\0{place}".encode()
        return hmac.digest(self._key, signed, hashlib.sha256)[:_TAG_BYTES]
