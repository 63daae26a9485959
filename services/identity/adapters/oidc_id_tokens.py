"""The identity provider's word: OpenID Connect ID tokens, checked with the keys it publishes."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.error import URLError
from urllib.request import Request, urlopen

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from services.identity.domain.errors import ProviderUnavailable, SignInRefused
from services.identity.ports import Clock
from services.kit.service_tokens import MAX_TOKEN_BYTES

ALGORITHMS: Final = ("RS256", "ES256")
TIMEOUT_SECONDS: Final = 3.0
REFETCH_SECONDS: Final = 60.0
LEEWAY_SECONDS: Final = 60.0
MAX_BYTES: Final = 256 * 1024

Fetch = Callable[[str], Awaitable[Any]]


class OidcIdTokens:
    """The port IdTokens.

    `clock` is the provider's, which keeps real time: never one that was shifted. Keys are fetched
    when first needed and again for a key nobody has seen, at most once a minute.
    """

    def __init__(self, issuer: str, client_id: str, clock: Clock, fetch: Fetch) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._clock = clock
        self._fetch = fetch
        self._keys: KeySet | None = None
        self._fetched_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def subject_of(self, id_token: str, nonce: str) -> tuple[str, str]:
        """Issuer and sub of a token that is believed, else a refusal."""
        if not id_token:
            raise SignInRefused("token_missing")
        if len(id_token) > MAX_TOKEN_BYTES:
            raise SignInRefused("token_malformed")
        keys = await self._keys_for(_header(id_token))
        try:
            claims = jwt.decode(id_token, keys, algorithms=list(ALGORITHMS)).claims
        except (JoseError, ValueError):
            raise SignInRefused("token_key") from None
        self._check(claims, nonce)
        return self._issuer, claims["sub"]

    def _check(self, claims: dict[str, Any], nonce: str) -> None:
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if claims.get("iss") != self._issuer:
            raise SignInRefused("token_issuer")
        if (
            self._client_id not in audiences
            or claims.get("azp", self._client_id) != self._client_id
        ):
            raise SignInRefused("token_audience")
        self._check_times(claims)
        if claims.get("nonce", "") != nonce:
            raise SignInRefused("token_nonce")
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise SignInRefused("token_malformed")

    def _check_times(self, claims: dict[str, Any]) -> None:
        now = self._clock.now().timestamp()
        issued, expires = _seconds(claims, "iat"), _seconds(claims, "exp")
        # Written so that a NaN, which compares false with everything, is refused.
        if not issued <= now + LEEWAY_SECONDS:
            raise SignInRefused("clock_skew")
        if not now < expires:
            raise SignInRefused("token_expired")

    async def _keys_for(self, header: dict[str, Any]) -> KeySet:
        """The provider's keys, fetched again when the token's is not among them."""
        if header.get("alg") not in ALGORITHMS:
            raise SignInRefused("token_alg")
        if "crit" in header:
            raise SignInRefused("token_crit")
        async with self._fetching:
            if self._keys is None or not _holds(self._keys, header.get("kid")):
                await self._refetch()
        if self._keys is None:
            raise ProviderUnavailable
        return self._keys

    async def _refetch(self) -> None:
        now = self._clock.monotonic()
        if self._keys is not None and now < self._fetched_at + REFETCH_SECONDS:
            return
        # Noted before asking: while it does not answer it is not asked for each stranger's token.
        self._fetched_at = now
        about = await self._fetch(f"{self._issuer}/.well-known/openid-configuration")
        if not isinstance(about, dict) or about.get("issuer") != self._issuer:
            raise ProviderUnavailable
        keys = await self._fetch(str(about.get("jwks_uri")))
        try:
            self._keys = KeySet.import_key_set(keys)
        except (JoseError, ValueError, KeyError, TypeError):
            raise ProviderUnavailable from None


def _seconds(claims: dict[str, Any], name: str) -> float:
    moment = claims.get(name)
    if isinstance(moment, bool) or not isinstance(moment, int | float):
        raise SignInRefused("token_malformed")
    return moment


async def fetch_json(url: str) -> Any:
    """A JSON document over HTTP within 3 seconds; raises ProviderUnavailable."""
    try:
        return await asyncio.to_thread(_get, url)
    except (URLError, OSError, ValueError):
        raise ProviderUnavailable from None


def _get(url: str) -> Any:
    if not url.startswith(("https://", "http://")):
        raise ValueError("an address of another kind")
    request = Request(url, headers={"Accept": "application/json"})  # noqa: S310  # checked above
    with urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310  # checked above
        body = response.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise ValueError("too long")
    return json.loads(body)


def _header(token: str) -> dict[str, Any]:
    try:
        return dict(jws.extract_compact(token.encode()).headers())
    except (JoseError, ValueError):
        raise SignInRefused("token_malformed") from None


def _holds(keys: KeySet, kid: object) -> bool:
    return kid is None or any(key.kid == kid for key in keys.keys)
