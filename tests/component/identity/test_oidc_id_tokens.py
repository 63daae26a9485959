"""An ID token is believed for one reason: the provider signed it, for us, now, for this login."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from services.identity.adapters.oidc_id_tokens import OidcIdTokens, fetch_json
from services.identity.domain.errors import ProviderUnavailable, SignInRefused
from services.kit.clock import ManualClock
from tests.builders import NOW

ISSUER = "https://sign-in.example"
CLIENT = "joinedup-portal"
RSA = RSAKey.generate_key(2048, {"kid": "one"})
EC = ECKey.generate_key("P-256", {"kid": "two"})
STRANGER = RSAKey.generate_key(2048, {"kid": "one"})
LATER = RSAKey.generate_key(2048, {"kid": "later"})


class Provider:
    """What an identity provider publishes, and how often it was asked."""

    def __init__(self):
        self.keys: list[RSAKey | ECKey] = [RSA, EC]
        self.issuer = ISSUER
        self.away = False
        self.asked = 0

    async def fetch(self, url):
        if self.away:
            raise ProviderUnavailable
        if url == f"{ISSUER}/.well-known/openid-configuration":
            return {"issuer": self.issuer, "jwks_uri": f"{ISSUER}/jwks"}
        assert url == f"{ISSUER}/jwks"
        self.asked += 1
        return {"keys": [key.as_dict(private=False) for key in self.keys]}


@pytest.fixture
def provider():
    return Provider()


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture
def id_tokens(provider, clock):
    return OidcIdTokens(ISSUER, CLIENT, clock, provider.fetch)


def a_token(key=RSA, *, header=None, **changed):
    now = int(NOW.timestamp())
    claims = {"iss": ISSUER, "aud": CLIENT, "sub": "mair", "iat": now, "exp": now + 300}
    kept = {k: v for k, v in (claims | {"nonce": "n"} | changed).items() if v is not None}
    algorithm = {"RSA": "RS256", "EC": "ES256", "oct": "HS256"}[key.key_type]
    full = {"alg": algorithm, "kid": key.kid} | (header or {})
    return jwt.encode(
        {k: v for k, v in full.items() if v is not None},
        kept,
        key,
        algorithms=["RS256", "ES256", "HS256", "RS512", "PS256"],
    )


@pytest.mark.parametrize("key", [RSA, EC], ids=["RS256", "ES256"])
async def test_a_good_token_names_its_person(id_tokens, key):
    assert await id_tokens.subject_of(a_token(key), "n") == (ISSUER, "mair")


async def test_a_token_without_a_nonce_is_good_where_none_was_bound(id_tokens):
    assert await id_tokens.subject_of(a_token(nonce=None), "") == (ISSUER, "mair")


async def test_one_of_several_audiences_may_be_us(id_tokens):
    token = a_token(aud=["somebody", CLIENT], azp=CLIENT)

    assert await id_tokens.subject_of(token, "n") == (ISSUER, "mair")


SECONDS = int(NOW.timestamp())
FORGED_HS256 = a_token(OctKey.import_key(b"p" * 64), header={"kid": "one"})
UNSIGNED = "eyJhbGciOiJub25lIn0." + a_token().split(".")[1] + "."


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("", "token_missing"),
        ("abc", "token_malformed"),
        ("a.b.c", "token_malformed"),
        ("x" * 9000, "token_malformed"),
        (UNSIGNED, "token_alg"),
        (FORGED_HS256, "token_alg"),
        (a_token(header={"alg": "RS512"}), "token_alg"),
        (a_token(STRANGER), "token_key"),
        (a_token(header={"kid": "two"}), "token_key"),
        (a_token(header={"kid": "unheard-of"}), "token_key"),
        (a_token(iss="https://elsewhere.example"), "token_issuer"),
        (a_token(aud="somebody"), "token_audience"),
        (a_token(aud=[CLIENT, "somebody"], azp="somebody"), "token_audience"),
        (a_token(aud=None), "token_audience"),
        (a_token(exp=SECONDS), "token_expired"),
        (a_token(exp=None), "token_malformed"),
        (a_token(exp=True), "token_malformed"),
        (a_token(exp=float("nan")), "token_expired"),
        (a_token(iat=SECONDS + 120), "clock_skew"),
        (a_token(nonce="another"), "token_nonce"),
        (a_token(nonce=None), "token_nonce"),
        (a_token(sub=None), "token_malformed"),
        (a_token(sub=""), "token_malformed"),
        (a_token(sub=7), "token_malformed"),
    ],
)
async def test_anything_else_is_refused(id_tokens, token, code):
    with pytest.raises(SignInRefused) as refused:
        await id_tokens.subject_of(token, "n")

    assert refused.value.code == code


async def test_a_nonce_we_never_bound_is_refused(id_tokens):
    with pytest.raises(SignInRefused) as refused:
        await id_tokens.subject_of(a_token(), "")

    assert refused.value.code == "token_nonce"


async def test_keys_are_fetched_once(id_tokens, provider):
    await asyncio.gather(*(id_tokens.subject_of(a_token(), "n") for _ in range(5)))

    assert provider.asked == 1


async def test_a_new_key_is_fetched_when_a_minute_has_passed(id_tokens, provider, clock):
    await id_tokens.subject_of(a_token(), "n")
    provider.keys.append(LATER)

    for _ in range(3):
        with pytest.raises(SignInRefused):
            await id_tokens.subject_of(a_token(LATER), "n")
    assert provider.asked == 1

    clock.advance(timedelta(seconds=60))
    assert await id_tokens.subject_of(a_token(LATER), "n") == (ISSUER, "mair")
    assert provider.asked == 2


async def test_a_provider_that_is_away_refuses_nobody(id_tokens, provider):
    provider.away = True
    with pytest.raises(ProviderUnavailable):
        await id_tokens.subject_of(a_token(), "n")

    provider.away = False
    assert await id_tokens.subject_of(a_token(), "n") == (ISSUER, "mair")


async def test_a_provider_that_calls_itself_otherwise_is_not_believed(id_tokens, provider):
    provider.issuer = "https://elsewhere.example"

    with pytest.raises(ProviderUnavailable):
        await id_tokens.subject_of(a_token(), "n")


class Web(BaseHTTPRequestHandler):
    pages = {"/good": b'{"a": 1}', "/text": b"hello", "/long": b" " * 300_000}  # noqa: RUF012

    def do_GET(self):
        body = self.pages.get(self.path)
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"{}")

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def web():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_document_is_fetched_over_http(web):
    assert await fetch_json(f"{web}/good") == {"a": 1}


@pytest.mark.parametrize("path", ["/missing", "/text", "/long"])
async def test_a_document_that_is_none_is_the_providers_fault(web, path):
    with pytest.raises(ProviderUnavailable):
        await fetch_json(f"{web}{path}")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "file:///etc/hostname", "None"])
async def test_nothing_but_http_is_fetched(url):
    with pytest.raises(ProviderUnavailable):
        await fetch_json(url)
