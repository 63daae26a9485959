"""An OpenID Connect provider: authorisation code with PKCE, and an ID token that is checked."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwk import KeySet

from services.kit.telemetry import log
from services.portal.domain.errors import SignInRefused, Unavailable
from services.portal.domain.seal import Seal
from services.portal.domain.sign_in import Attempt, IdToken

ALGORITHMS: Final = ["RS256", "ES256", "PS256"]
TIMEOUT_SECONDS: Final = 5.0
LEEWAY_SECONDS: Final = 60
MOST_TOKEN_BYTES: Final = 8 * 1024
METADATA_LIVES: Final = timedelta(minutes=10)
# Unknown keys in forged tokens must not make us ask the provider again and again.
KEYS_ASKED_AGAIN_AFTER: Final = timedelta(minutes=1)

_CLAIM_CODES: Final = {"nonce": "login_nonce", "iss": "login_issuer"}
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True)
class Client:
    """Who we are to the provider; a client without a secret is a public one."""

    id: str
    secret: str | None
    redirect_uri: str


class OidcProvider:
    """Implements `SignInProvider`.

    `now` is the machine's clock, never a shifted one: the provider's clock is the world's.
    """

    def __init__(
        self,
        issuer: str,
        client: Client,
        *,
        http: httpx.AsyncClient,
        seal: Seal,
        now: Callable[[], datetime],
    ) -> None:
        self._issuer = issuer
        self._client = client
        self._http = http
        self._seal = seal
        self._now = now
        self._metadata: tuple[dict[str, Any], datetime] | None = None
        self._keys: tuple[KeySet, datetime] | None = None

    @property
    def issuer(self) -> str:
        """The provider's name."""
        return self._issuer

    async def names_itself(self) -> bool:
        """Whether its answers carry `iss` (RFC 9207)."""
        metadata = await self._known_metadata()
        return metadata.get("authorization_response_iss_parameter_supported") is True

    async def address(self, attempt: Attempt) -> str:
        """The authorisation request."""
        metadata = await self._known_metadata()
        return str(
            prepare_grant_uri(
                metadata["authorization_endpoint"],
                self._client.id,
                "code",
                self._client.redirect_uri,
                "openid",
                attempt.state,
                nonce=attempt.nonce,
                code_challenge=create_s256_code_challenge(attempt.verifier),
                code_challenge_method="S256",
            )
        )

    async def redeem(self, code: str, attempt: Attempt) -> IdToken:
        """The code's ID token, checked."""
        metadata = await self._known_metadata()
        tokens = await self._token_answer(str(metadata["token_endpoint"]), code, attempt.verifier)
        raw, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(raw, str) or len(raw) > MOST_TOKEN_BYTES:
            raise SignInRefused("login_token")
        token = await self._signed(raw)
        claims = CodeIDToken(
            token.claims,
            token.header,
            options={
                "iss": {"essential": True, "value": self._issuer},
                "aud": {"essential": True, "value": self._client.id},
            },
            params={
                "nonce": attempt.nonce,
                "client_id": self._client.id,
                "access_token": access_token,
            },
        )
        try:
            claims.validate(int(self._now().timestamp()), LEEWAY_SECONDS)
        except (InvalidClaimError, MissingClaimError) as refused:
            raise SignInRefused(_CLAIM_CODES.get(refused.claim, "login_token")) from None
        except (JoseError, TypeError, ValueError):
            raise SignInRefused("login_token") from None
        return IdToken(raw, self._seal.mark("account", self._issuer, str(claims["sub"])))

    async def _signed(self, raw: str) -> jwt.Token:
        """The token, its signature checked; the keys are asked for again at most once a minute."""
        keys = await self._known_keys(older_than=None)
        try:
            return jwt.decode(raw, keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            keys = await self._known_keys(older_than=KEYS_ASKED_AGAIN_AFTER)
        try:
            return jwt.decode(raw, keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            raise SignInRefused("login_token") from None

    async def _token_answer(self, endpoint: str, code: str, verifier: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect_uri,
            "code_verifier": verifier,
        }
        auth = None
        if self._client.secret is None:
            form["client_id"] = self._client.id
        else:
            auth = httpx.BasicAuth(quote(self._client.id), quote(self._client.secret))
        answer = await self._ask("POST", endpoint, data=form, auth=auth)
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise Unavailable("sign_in")
        body = _json(answer)
        if answer.is_success:
            return body
        if body.get("error") == "invalid_grant":
            raise SignInRefused("login_code_used")
        log(__name__).error("code could not be redeemed", extra={"status": answer.status_code})
        raise SignInRefused("login_error")

    async def _known_metadata(self) -> dict[str, Any]:
        now = self._now()
        if self._metadata is None or now >= self._metadata[1] + METADATA_LIVES:
            address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            answer = await self._ask("GET", address)
            metadata = _json(answer)
            if not answer.is_success or not self._is_sound(metadata):
                log(__name__).error(
                    "provider metadata is wrong", extra={"status": answer.status_code}
                )
                raise Unavailable("sign_in")
            self._metadata = (metadata, now)
        return self._metadata[0]

    async def _known_keys(self, *, older_than: timedelta | None) -> KeySet:
        now = self._now()
        if self._keys is None or (older_than is not None and now >= self._keys[1] + older_than):
            metadata = await self._known_metadata()
            answer = await self._ask("GET", str(metadata["jwks_uri"]))
            try:
                keys = KeySet.import_key_set(answer.raise_for_status().json())
            except (httpx.HTTPStatusError, JoseError, ValueError, KeyError, TypeError):
                raise Unavailable("sign_in") from None
            self._keys = (keys, now)
        return self._keys[0]

    def _is_sound(self, metadata: dict[str, Any]) -> bool:
        """Whether it is this issuer's, with endpoints no less protected than the issuer."""
        scheme = urlsplit(self._issuer).scheme
        return metadata.get("issuer") == self._issuer and all(
            urlsplit(str(metadata.get(name, ""))).scheme in {scheme, "https"} for name in _ENDPOINTS
        )

    async def _ask(self, method: str, address: str, **request: Any) -> httpx.Response:
        try:
            return await self._http.request(method, address, **request)
        except httpx.HTTPError:
            raise Unavailable("sign_in") from None


def connect() -> httpx.AsyncClient:
    """A client that follows nothing and believes no proxy of the environment."""
    return httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False)


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        read = answer.json()
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
