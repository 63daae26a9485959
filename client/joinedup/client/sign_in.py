"""Signing a person in with an OpenID provider: authorisation code with PKCE, over plain HTTP.

It plays the browser's part too, so it only works with a provider that asks for no password.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import httpx

from joinedup.client.errors import Refused, Unavailable

# The client for which the platform accepts ID tokens.
DEFAULT_CLIENT_ID: Final = "joinedup-portal"
# Never followed: the code is read from the redirect itself.
_REDIRECT: Final = "http://127.0.0.1/signed-in"


@dataclass(frozen=True, slots=True)
class IdToken:
    """The provider's signed word about who signed in."""

    text: str
    nonce: str


async def sign_in(
    http: httpx.AsyncClient, *, issuer: str, sub: str, client_id: str = DEFAULT_CLIENT_ID
) -> IdToken:
    """Sign `sub` in; raises Refused or Unavailable."""
    try:
        return await _sign_in(http, issuer.rstrip("/"), sub, client_id)
    except httpx.TransportError as lost:
        raise Unavailable(f"the sign-in provider did not answer: {type(lost).__name__}") from lost


async def _sign_in(http: httpx.AsyncClient, issuer: str, sub: str, client_id: str) -> IdToken:
    found = await http.get(f"{issuer}/.well-known/openid-configuration")
    _check(found)
    provider = found.json()
    verifier, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
    answered = await http.post(
        provider["authorization_endpoint"],
        params={
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": _REDIRECT,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        },
        data={"sub": sub},
        follow_redirects=False,
    )
    token = await http.post(
        provider["token_endpoint"],
        data={
            "grant_type": "authorization_code",
            "code": _code(answered, state),
            "redirect_uri": _REDIRECT,
            "client_id": client_id,
            # A device can keep no secret; the local provider asks for one and takes any.
            "client_secret": "none",
            "code_verifier": verifier,
        },
    )
    _check(token)
    return IdToken(str(token.json()["id_token"]), nonce)


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _code(response: httpx.Response, state: str) -> str:
    if response.is_server_error:
        raise Unavailable(f"the sign-in provider answered {response.status_code}")
    location = str(response.headers.get("location", ""))
    answer = dict(parse_qsl(urlsplit(location).query))
    if not hmac.compare_digest(answer.get("state", ""), state):
        raise Refused("login_state", "the provider's answer does not belong to this sign-in")
    if "code" not in answer:
        raise Refused(answer.get("error", "login_refused"), "the provider did not sign in")
    return answer["code"]


def _check(response: httpx.Response) -> None:
    if response.is_server_error:
        raise Unavailable(f"the sign-in provider answered {response.status_code}")
    if not response.is_success:
        raise Refused("login_refused", f"the provider answered {response.status_code}")
