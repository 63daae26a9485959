"""Publishers' own tokens (ES256), checked against the keys that the register names."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from services.events.domain.admission import Assertion
from services.events.domain.errors import NotAuthenticated
from services.events.domain.publisher import Publisher
from services.kit.service_tokens import TokenRefused, check_jwt
from services.kit.telemetry import log

AUDIENCE: Final = "joinedup-events"
TYPE: Final = "publisher+jwt"
LIFETIME: Final = timedelta(seconds=300)
_MAX_JTI: Final = 128
_SCHEME: Final = "bearer "


class PublisherTokens:
    """Believes publishers by the public keys in a folder; a changed file counts at once."""

    def __init__(
        self,
        publisher: Callable[[str], Publisher | None],
        keys_dir: Path,
        now: Callable[[], datetime],
    ) -> None:
        self._publisher = publisher
        self._keys_dir = keys_dir
        self._now = now
        self._keys: dict[Path, tuple[int, ECKey]] = {}

    def assertion(self, authorization: str | None) -> Assertion:
        """Who an `Authorization` header says is calling; raises NotAuthenticated.

        That it is used once only is for the store of admissions to say.
        """
        try:
            claims = check_jwt(
                _bearer(authorization),
                key_for=self._key,
                typ=TYPE,
                audience=AUDIENCE,
                now=self._now(),
                max_lifetime=LIFETIME,
            )
        except TokenRefused as refused:
            raise NotAuthenticated(refused.code) from None
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_JTI or not jti.isprintable():
            raise NotAuthenticated("token_malformed")
        expires_at = datetime.fromtimestamp(float(claims["exp"]), UTC)
        return Assertion(publisher=str(claims["iss"]), jti=jti, expires_at=expires_at)

    def _key(self, issuer: str, kid: str | None) -> ECKey | None:
        publisher = self._publisher(issuer)
        key = publisher.key(kid) if publisher is not None else None
        return self._read(self._keys_dir / key.file) if key is not None else None

    def _read(self, path: Path) -> ECKey | None:
        try:
            changed = path.stat().st_mtime_ns
            kept = self._keys.get(path)
            if kept is None or kept[0] != changed:
                kept = (changed, ECKey.import_key(path.read_bytes()))
                self._keys[path] = kept
        except (OSError, ValueError, JoseError):
            log(__name__).warning("publisher key unreadable", extra={"file": path.name})
            return None
        return kept[1]


def _bearer(authorization: str | None) -> str | None:
    if not authorization or authorization[: len(_SCHEME)].lower() != _SCHEME:
        return None
    return authorization[len(_SCHEME) :].strip()
