"""Identifiers that departments hold, and matching by them without keeping them."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from unicodedata import normalize

from services.identity.domain.errors import FieldInvalid

# Strongest first: when two identifiers of one person point at two people, the stronger one is
# believed. A NINO is checked before it is issued; a UTR is copied by hand from letters.
SCHEMES: Final = ("nino", "nhs-number", "driver-number", "utr")


@dataclass(frozen=True)
class Identifier:
    """A number or code by which some department knows a person."""

    scheme: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class Fingerprint:
    """What is kept of an identifier: its scheme and a keyed digest."""

    scheme: str
    digest: bytes = field(repr=False)


@dataclass(frozen=True)
class Match:
    """Whom identifiers point at; `conflict` when they point at more than one person."""

    handle: str | None
    conflict: bool


NOBODY: Final = Match(None, conflict=False)


class Fingerprints:
    """Makes keyed digests (HMAC-SHA-256); without the key nobody can try numbers out."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of_identifier(self, identifier: Identifier) -> Fingerprint:
        """The fingerprint; the same however the department spaces or cases the value."""
        value = normalised(identifier.value)
        return Fingerprint(identifier.scheme, self._digest("identifier", identifier.scheme, value))

    def of_forename(self, forename: str) -> bytes:
        """The digest of a forename; the same in capitals and in small letters."""
        return self._digest("forename", normalize("NFC", forename).strip().casefold())

    def of_sign_in(self, issuer: str, sub: str) -> bytes:
        """The digest of a sign-in account, for locking."""
        return self._digest("sign-in", issuer, sub)

    def _digest(self, *parts: str) -> bytes:
        # Length first, so that no two lists of parts read the same.
        text = b"".join(b"%d:%b" % (len(part), part) for part in map(str.encode, parts))
        return hmac.digest(self._key, text, hashlib.sha256)


def normalised(value: str) -> str:
    """The value without spaces, in capitals."""
    return "".join(value.split()).upper()


def check_identifier(identifier: Identifier, path: str) -> None:
    """Raise FieldInvalid for an unknown scheme or an empty value; `path` leads to it."""
    if identifier.scheme not in SCHEMES:
        raise FieldInvalid(f"{path}.scheme", "scheme_unknown")
    if not normalised(identifier.value):
        raise FieldInvalid(f"{path}.value", "field_required")


def match(fingerprints: Sequence[Fingerprint], known: Mapping[bytes, str]) -> Match:
    """Whom the fingerprints point at, by digest → handle; the strongest scheme decides."""
    found = [each for each in fingerprints if each.digest in known]
    if not found:
        return NOBODY
    strongest = min(found, key=lambda each: SCHEMES.index(each.scheme))
    handles = {known[each.digest] for each in found}
    return Match(known[strongest.digest], conflict=len(handles) > 1)
