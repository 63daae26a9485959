"""O06: an ID token that is not exactly right is not believed, whoever signed it."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from services.kit.clock import ManualClock, SystemClock
from services.portal.adapters import oidc_provider
from services.portal.adapters.oidc_provider import KEYS_ASKED_AGAIN_AFTER, Client, OidcProvider
from services.portal.domain.errors import SignInRefused, Unavailable
from services.portal.domain.seal import Seal
from services.portal.domain.sign_in import Attempt

CLIENT = "joinedup-portal"
ATTEMPT = Attempt(state="s" * 26, nonce="n" * 26, verifier="v" * 52, next_path="/")
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
NOT_THEIRS = RSAKey.generate_key(2048, {"kid": "rsa"})


class Provider:
    """A provider that answers whatever a test wants it to."""

    def __init__(self) -> None:
        self.keys: list[Any] = [RSA, EC]
        self.metadata: dict[str, Any] = {}
        self.token: tuple[int, Any] = (200, {})
        self.asked: list[str] = []
        self.form = ""
        self.authorization = ""
        self.issuer = ""

    def answer(self, path: str) -> tuple[int, Any]:
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                **self.metadata,
            }
        if path == "/jwks":
            return 200, KeySet(self.keys).as_dict(private=False)
        return self.token

    def signs(self, key: Any = RSA, alg: str = "RS256", header: Any = None, **claims: Any) -> None:
        """Answer with a right token, but for what is named; None takes a claim away."""
        now = int(SystemClock().now().timestamp())
        right = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "mair",
            "nonce": ATTEMPT.nonce,
            "iat": now,
            "exp": now + 300,
        }
        payload = {k: v for k, v in {**right, **claims}.items() if v is not None}
        head = {"alg": alg, **({"kid": key.kid} if key.kid else {}), **(header or {})}
        self.token = 200, {"id_token": jwt.encode(head, payload, key, [alg])}


@contextmanager
def listening(provider: Provider) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply()

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            provider.form = self.rfile.read(length).decode()
            provider.authorization = self.headers.get("authorization", "")
            self.reply()

        def reply(self) -> None:
            status, body = provider.answer(self.path)
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def provider():
    made = Provider()
    with listening(made):
        made.signs()
        yield made


@pytest.fixture
def clock():
    return ManualClock(SystemClock().now())


@pytest.fixture
async def relying(provider, clock):
    async with oidc_provider.connect() as http:
        yield OidcProvider(
            provider.issuer,
            Client(CLIENT, None, "http://127.0.0.1/sign-in/callback"),
            http=http,
            seal=Seal(bytes(32)),
            now=clock.now,
        )


async def refusal(relying: OidcProvider) -> str:
    with pytest.raises(SignInRefused) as refused:
        await relying.redeem("code", ATTEMPT)
    return refused.value.code


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(("key", "alg"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256")])
async def test_a_right_token_is_believed_and_the_verifier_is_shown(provider, relying, key, alg):
    provider.signs(key, alg)

    token = await relying.redeem("code", ATTEMPT)

    assert token.raw == provider.token[1]["id_token"]
    assert "mair" not in token.account
    assert f"code_verifier={ATTEMPT.verifier}" in provider.form
    assert f"client_id={CLIENT}" in provider.form


async def test_a_confidential_client_shows_its_secret_in_the_header_alone(provider, clock):
    async with oidc_provider.connect() as http:
        client = Client(CLIENT, "a secret", "http://127.0.0.1/sign-in/callback")
        relying = OidcProvider(
            provider.issuer, client, http=http, seal=Seal(bytes(32)), now=clock.now
        )
        await relying.redeem("code", ATTEMPT)

    assert provider.authorization.startswith("Basic ")
    assert "secret" not in provider.form


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"nonce": "another"}, "login_nonce"),
        ({"nonce": None}, "login_nonce"),
        ({"iss": "https://other.example"}, "login_issuer"),
        ({"iss": None}, "login_issuer"),
        ({"aud": "another-client"}, "login_token"),
        ({"aud": None}, "login_token"),
        ({"aud": [CLIENT, "another-client"]}, "login_token"),
        ({"aud": [CLIENT, "another-client"], "azp": "another-client"}, "login_token"),
        ({"exp": 1}, "login_token"),
        ({"exp": None}, "login_token"),
        ({"exp": "tomorrow"}, "login_token"),
        ({"iat": 4_000_000_000, "exp": 4_000_000_300}, "login_token"),
        ({"sub": None}, "login_token"),
    ],
)
async def test_a_wrong_claim_is_refused(provider, relying, wrong, code):
    provider.signs(**wrong)

    assert await refusal(relying) == code


async def test_a_strangers_signature_is_refused(provider, relying):
    provider.signs(NOT_THEIRS)

    assert await refusal(relying) == "login_token"


async def test_a_public_key_used_as_a_shared_secret_is_refused(provider, relying):
    claims = provider.token[1]["id_token"].split(".")[1]
    header = encoded(b'{"alg":"HS256","kid":"rsa"}')
    signed = f"{header}.{claims}"
    mac = hmac.new(RSA.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
    provider.token = 200, {"id_token": f"{signed}.{encoded(mac)}"}

    assert await refusal(relying) == "login_token"


@pytest.mark.parametrize(
    "token",
    [
        None,
        17,
        "",
        "not.a.token",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtYWlyIn0.",
        "a" * 9_000,
    ],
)
async def test_what_is_no_signed_token_is_refused(provider, relying, token):
    provider.token = 200, {"id_token": token}

    assert await refusal(relying) == "login_token"


async def test_a_code_that_was_used_is_told_from_other_refusals(provider, relying):
    provider.token = 400, {"error": "invalid_grant"}
    assert await refusal(relying) == "login_code_used"

    provider.token = 401, {"error": "invalid_client"}
    assert await refusal(relying) == "login_error"


@pytest.mark.parametrize("answer", [(503, {}), (500, b"<html>")])
async def test_a_provider_in_trouble_is_unavailable(provider, relying, answer):
    provider.token = answer

    with pytest.raises(Unavailable):
        await relying.redeem("code", ATTEMPT)


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://other.example"},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": None},
    ],
)
async def test_metadata_that_is_not_the_issuers_is_not_used(provider, relying, metadata):
    provider.metadata = metadata

    with pytest.raises(Unavailable):
        await relying.address(ATTEMPT)


async def test_new_keys_are_fetched_and_forgeries_do_not_make_us_ask_more(provider, relying, clock):
    provider.keys = [EC]
    provider.signs(EC, "ES256")
    await relying.redeem("code", ATTEMPT)
    provider.signs(RSA)
    for _ in range(5):
        assert await refusal(relying) == "login_token"
    assert provider.asked.count("/jwks") == 1

    provider.keys = [EC, RSA]
    clock.advance(KEYS_ASKED_AGAIN_AFTER)
    await relying.redeem("code", ATTEMPT)

    assert provider.asked.count("/jwks") == 2


async def test_whether_it_names_itself_is_what_its_metadata_says(provider, relying):
    provider.metadata = {"authorization_response_iss_parameter_supported": True}

    assert await relying.names_itself() is True


async def test_many_at_once_are_all_served(provider, relying):
    tokens = await asyncio.gather(*(relying.redeem("code", ATTEMPT) for _ in range(10)))

    assert len({token.account for token in tokens}) == 1
