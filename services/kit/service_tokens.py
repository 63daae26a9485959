"""Short signed tokens: who calls whom, checked before anything a caller sent is believed."""

import base64
import binascii
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import ECKey

from services.kit.clock import Clock

ALGORITHM: Final = "ES256"
MAX_TOKEN_BYTES: Final = 8 * 1024
SERVICE_TYPE: Final = "service+jwt"
PERSON_TYPE: Final = "person+jwt"
PERSON_ISSUER: Final = "identity"
PERSON_AUDIENCE: Final = "joinedup-person"
SERVICE_LIFETIME: Final = timedelta(seconds=60)
PERSON_LIFETIME: Final = timedelta(seconds=900)
LEEWAY: Final = timedelta(seconds=60)
SIGNATURES_KEPT: Final = 4096

# A service's name; anything else must never become part of a path.
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_HEADERS: Final = frozenset({"alg", "typ", "kid"})

KeyFor = Callable[[str, str | None], ECKey | None]


class TokenRefused(Exception):
    """A token is not believed; `code` says why in a word a caller may be told."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Caller:
    """Who is calling: a service by its name, a person by their handle, or nobody known."""

    service: str | None = None
    subject: str | None = None
    language: str = ""
    """What the person reads, as identity knows it; empty for a service."""


def check_signature(token: str, key: ECKey) -> None:
    """Raise TokenRefused unless the key made the token's signature."""
    try:
        jws.deserialize_compact(token, key, [ALGORITHM])
    except BadSignatureError:
        raise TokenRefused("token_key") from None
    except (JoseError, ValueError):
        raise TokenRefused("token_malformed") from None


class _Signatures:
    """Checks the signature of a token that comes with many calls once, as long as its key stays.

    A refusal is not kept, nor is the token itself.
    """

    def __init__(self) -> None:
        self._made_by: dict[bytes, ECKey] = {}

    def check(self, token: str, key: ECKey) -> None:
        """Raise TokenRefused unless the key made the token's signature."""
        mark = hashlib.sha256(token.encode("ascii", "replace")).digest()
        if self._made_by.get(mark) is key:
            return
        check_signature(token, key)
        if len(self._made_by) >= SIGNATURES_KEPT:
            del self._made_by[next(iter(self._made_by))]
        self._made_by[mark] = key


class TokenSigner:
    """Signs tokens of one issuer."""

    def __init__(
        self,
        issuer: str,
        private_key_pem_path: Path,
        typ: str = SERVICE_TYPE,
        lifetime_seconds: float = SERVICE_LIFETIME.total_seconds(),
    ) -> None:
        self._issuer = issuer
        self._key = ECKey.import_key(private_key_pem_path.read_bytes())
        self._typ = typ
        self._lifetime = timedelta(seconds=lifetime_seconds)
        self._cached: dict[str, tuple[str, datetime]] = {}

    def token(self, audience: str, now: datetime) -> str:
        """A token for an audience; the same one until half its life is over."""
        cached = self._cached.get(audience)
        if cached is not None and cached[1] <= now < cached[1] + self._lifetime / 2:
            return cached[0]
        token = self.sign(audience, now, {})
        self._cached[audience] = (token, now)
        return token

    def sign(self, audience: str, now: datetime, claims: Mapping[str, Any]) -> str:
        """A fresh token that also carries the given claims."""
        issued = int(now.timestamp())
        payload = {
            **claims,
            "iss": self._issuer,
            "aud": audience,
            "iat": issued,
            "exp": issued + int(self._lifetime.total_seconds()),
        }
        return jwt.encode({"alg": ALGORITHM, "typ": self._typ}, payload, self._key, [ALGORITHM])


class TokenVerifier:
    """Believes services by their own public keys, and people by the one key that signs for them."""

    def __init__(
        self,
        audience: str,
        services_keys_dir: Path,
        person_public_key_path: Path | None = None,
        *,
        clock: Clock,
    ) -> None:
        self._audience = audience
        self._services = services_keys_dir
        self._person = person_public_key_path
        self._clock = clock
        self._keys: dict[Path, tuple[int, ECKey]] = {}
        self._signatures = _Signatures()

    def verify(self, token: str | None) -> Caller:
        """Who signed; raises TokenRefused."""
        now = self._clock.now()
        if token_type(token) == PERSON_TYPE:
            claims = check_jwt(
                token,
                key_for=self._person_key,
                typ=PERSON_TYPE,
                audience=PERSON_AUDIENCE,
                now=now,
                max_lifetime=PERSON_LIFETIME,
                check=self._signatures.check,
            )
            subject, language = claims.get("sub"), claims.get("lang", "")
            if not isinstance(subject, str) or not subject or not isinstance(language, str):
                raise TokenRefused("token_malformed")
            return Caller(subject=subject, language=language)
        claims = check_jwt(
            token,
            key_for=self._service_key,
            typ=SERVICE_TYPE,
            audience=self._audience,
            now=now,
            max_lifetime=SERVICE_LIFETIME,
            check=self._signatures.check,
        )
        return Caller(service=str(claims["iss"]))

    def _person_key(self, issuer: str, _kid: str | None) -> ECKey | None:
        if issuer != PERSON_ISSUER or self._person is None:
            return None
        return self._read(self._person)

    def _service_key(self, issuer: str, _kid: str | None) -> ECKey | None:
        if _NAME.fullmatch(issuer) is None:
            return None
        return self._read(self._services / f"{issuer}.public.pem")

    def _read(self, path: Path) -> ECKey | None:
        """A key, parsed once for as long as its file does not change."""
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            return None
        kept = self._keys.get(path)
        if kept is None or kept[0] != changed:
            kept = (changed, ECKey.import_key(path.read_bytes()))
            self._keys[path] = kept
        return kept[1]


def check_jwt(
    token: str | None,
    *,
    key_for: KeyFor,
    typ: str,
    audience: str,
    now: datetime,
    max_lifetime: timedelta,
    leeway: timedelta = LEEWAY,
    check: Callable[[str, ECKey], None] = check_signature,
) -> dict[str, Any]:
    """The claims of an ES256 token; raises TokenRefused.

    `key_for(issuer, kid)` answers the issuer's public key, None for an unknown one. The leeway is
    for clocks that run ahead (`iat`, `nbf`); an expired token has expired.
    """
    header, claims = _open(token)
    _check_header(header, typ)
    kid = header.get("kid")
    key = key_for(claims["iss"], kid if isinstance(kid, str) else None)
    if key is None:
        raise TokenRefused("token_key")
    check(str(token), key)
    if claims.get("aud") not in (audience, [audience]):
        raise TokenRefused("token_audience")
    _check_times(claims, now.timestamp(), max_lifetime.total_seconds(), leeway.total_seconds())
    return claims


def token_type(token: str | None) -> str | None:
    """The type a token claims to be, before anything of it is believed; raises TokenRefused."""
    typ = _open(token)[0].get("typ")
    return typ if isinstance(typ, str) else None


def _open(token: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    if not token:
        raise TokenRefused("token_missing")
    parts = token.split(".")
    if len(token) > MAX_TOKEN_BYTES or len(parts) != 3:  # noqa: PLR2004  # header, claims, signature
        raise TokenRefused("token_malformed")
    header, claims = _json(parts[0]), _json(parts[1])
    if not isinstance(claims.get("iss"), str):
        raise TokenRefused("token_malformed")
    return header, claims


def _json(part: str) -> dict[str, Any]:
    try:
        read = json.loads(base64.b64decode(part + "=" * (-len(part) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise TokenRefused("token_malformed") from None
    if not isinstance(read, dict):
        raise TokenRefused("token_malformed")
    return read


def _check_header(header: dict[str, Any], typ: str) -> None:
    if header.get("alg") != ALGORITHM:
        raise TokenRefused("token_alg")
    if "crit" in header:
        raise TokenRefused("token_crit")
    if header.get("typ") != typ:
        raise TokenRefused("token_type")
    if not _HEADERS.issuperset(header):
        # `jku`, `x5u`, `jwk`: a token that brings its own key, or says where to fetch one.
        raise TokenRefused("token_malformed")


def _check_times(claims: dict[str, Any], now: float, max_lifetime: float, leeway: float) -> None:
    issued, expires = _moment(claims.get("iat")), _moment(claims.get("exp"))
    not_before = _moment(claims.get("nbf", 0))
    if issued > now + leeway:
        raise TokenRefused("clock_skew")
    if not_before > now + leeway:
        raise TokenRefused("token_not_yet")
    if expires <= now:
        raise TokenRefused("token_expired")
    if expires - issued > max_lifetime:
        raise TokenRefused("token_lifetime")


def _moment(claim: Any) -> float:
    if isinstance(claim, bool) or not isinstance(claim, int | float) or not math.isfinite(claim):
        raise TokenRefused("token_malformed")
    return claim


def generate_keypair(private_path: Path, public_path: Path) -> None:
    """Make an EC P-256 key pair in PEM; only the owner can read the private file."""
    key = ECKey.generate_key("P-256")
    for path in (private_path, public_path):
        path.parent.mkdir(parents=True, exist_ok=True)
    private_path.touch(mode=0o600)
    private_path.chmod(0o600)
    private_path.write_bytes(key.as_pem(private=True))
    public_path.write_bytes(key.as_pem(private=False))
