"""Publishers' own tokens (ES256), checked against the keys that the register names."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from services.events.domain.admission import Assertion
from services.events.domain.errors import NotAuthenticated
from services.events.domain.own_basis import named_bases
from services.events.domain.publisher import Publisher
from services.kit.service_tokens import TokenRefused, check_jwt, check_signature
from services.kit.telemetry import log

AUDIENCE: Final = "joinedup-events"
TYPE: Final = "publisher+jwt"
LIFETIME: Final = timedelta(seconds=300)
_MAX_JTI: Final = 128
_SCHEME: Final = "bearer "
# A whole name of a type: what a wildcard lets in is not known when it is signed.
_TYPE_NAME: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")

# Public keys with their ids in the register.
_Keys = Sequence[tuple[str, ECKey]]


class PublisherTokens:
    """Believes publishers by the public keys in a folder.

    A changed key file counts at once, a changed register as soon as it is read.
    """

    def __init__(
        self,
        publisher: Callable[[str], Publisher | None],
        keys_dir: Path,
        now: Callable[[], datetime],
    ) -> None:
        self._publisher = publisher
        self._keys_dir = keys_dir
        self._now = now
        self._read_keys: dict[Path, tuple[int, ECKey]] = {}

    def assertion(self, authorization: str | None) -> Assertion:
        """Who an `Authorization` header says is calling; raises NotAuthenticated.

        That it is used once only is for the store of admissions to say.
        """
        return self.assertion_at(authorization, self._now())

    def assertion_at(self, authorization: str | None, at: datetime) -> Assertion:
        """The same for a header that came at an earlier moment, such as a record's on a topic.

        A suspension counts whatever the moment: nothing of theirs that waits is believed either.
        """
        trial = _Trial(partial(self._keys, at))
        try:
            claims = check_jwt(
                _bearer(authorization),
                key_for=trial.key_for,
                check=trial.check,
                typ=TYPE,
                audience=AUDIENCE,
                now=at,
                max_lifetime=LIFETIME,
            )
        except TokenRefused as refused:
            raise NotAuthenticated(refused.code) from None
        return _assertion(claims, trial.kid)

    def still_believed(self, assertion: Assertion) -> bool:
        """Whether what was believed once is so now: for whoever stays connected for long."""
        publisher = self._publisher(assertion.publisher)
        if publisher is None:
            return False
        return bool(publisher.keys_in_force(self._now(), assertion.kid))

    def _keys(self, at: datetime, issuer: str, kid: str | None) -> _Keys:
        publisher = self._publisher(issuer)
        named = publisher.keys_in_force(at, kid) if publisher is not None else ()
        read = ((each.kid, self._read(self._keys_dir / each.file)) for each in named)
        return [(kid, key) for kid, key in read if key is not None]

    def _read(self, path: Path) -> ECKey | None:
        try:
            changed = path.stat().st_mtime_ns
            kept = self._read_keys.get(path)
            if kept is None or kept[0] != changed:
                kept = (changed, ECKey.import_key(path.read_bytes()))
                self._read_keys[path] = kept
        except (OSError, ValueError, JoseError):
            log(__name__).warning("publisher key unreadable", extra={"file": path.name})
            return None
        return kept[1]


class _Trial:
    """One token held to each key that may have signed it; then `kid` is that of the one that did.

    An issuer without a key is refused as one with the wrong key is.
    """

    def __init__(self, keys_of: Callable[[str, str | None], _Keys]) -> None:
        self._keys_of = keys_of
        self._keys: _Keys = ()
        self.kid = ""

    def key_for(self, issuer: str, kid: str | None) -> ECKey | None:
        self._keys = self._keys_of(issuer, kid)
        return self._keys[0][1] if self._keys else None

    def check(self, token: str, _first: ECKey) -> None:
        for kid, key in self._keys:
            try:
                check_signature(token, key)
            except TokenRefused as refused:
                if refused.code != "token_key":
                    raise
            else:
                self.kid = kid
                return
        raise TokenRefused("token_key")


def _assertion(claims: dict[str, Any], kid: str) -> Assertion:
    if "cnf" in claims:
        # Good only together with a key (RFC 7800), and no way in has a caller show one.
        raise NotAuthenticated("token_binding")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_JTI or not jti.isprintable():
        raise NotAuthenticated("token_malformed")
    expires_at = datetime.fromtimestamp(float(claims["exp"]), UTC)
    publisher, bases = str(claims["iss"]), named_bases(claims)
    return Assertion(publisher, jti, expires_at, kid, _scope(claims), bases)


def _scope(claims: dict[str, Any]) -> frozenset[str] | None:
    """The types that a token was narrowed to (RFC 8693's claim); None where it was not."""
    if "scope" not in claims:
        return None
    scope = claims["scope"]
    names = scope.split(" ") if isinstance(scope, str) else [""]
    if not all(map(_TYPE_NAME.fullmatch, names)):
        raise NotAuthenticated("invalid_scope")
    return frozenset(names)


def _bearer(authorization: str | None) -> str | None:
    if not authorization or authorization[: len(_SCHEME)].lower() != _SCHEME:
        return None
    return authorization[len(_SCHEME) :].strip()
