"""A token is believed only after every check, and each refusal has its word."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey

from services.kit.clock import ManualClock
from services.kit.service_tokens import (
    Caller,
    TokenRefused,
    TokenSigner,
    TokenVerifier,
    check_jwt,
    generate_keypair,
)

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ISSUED = int(NOW.timestamp())


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name in ("shop", "thief", "people"):
        generate_keypair(folder / f"{name}.private.pem", folder / f"{name}.public.pem")
    return folder


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture
def verifier(keys, clock):
    return TokenVerifier("oven", keys, keys / "people.public.pem", clock=clock)


def private(keys, name="shop"):
    return ECKey.import_key((keys / f"{name}.private.pem").read_bytes())


def token(keys, header=None, *, key=None, **claims):
    standard = {"iss": "shop", "aud": "oven", "iat": ISSUED, "exp": ISSUED + 60}
    chosen = {k: v for k, v in {**standard, **claims}.items() if v is not None}
    head = {"alg": "ES256", "typ": "service+jwt", **(header or {})}
    return jwt.encode(head, chosen, key or private(keys), registry=_anything())


def _anything():
    registry = jws.JWSRegistry(algorithms=["ES256", "HS256"], strict_check_header=False)
    registry.header_registry = {}
    return registry


def forged(header, claims, signature=b"\0" * 64):
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(each).rstrip(b"=").decode() for each in parts)


def refused(verifier, text):
    with pytest.raises(TokenRefused) as raised:
        verifier.verify(text)
    return raised.value.code


def test_a_service_is_known_by_its_own_key(keys, verifier):
    signed = TokenSigner("shop", keys / "shop.private.pem").token("oven", NOW)

    assert verifier.verify(signed) == Caller(service="shop")


def test_a_person_is_known_by_their_handle(keys, verifier):
    signer = TokenSigner("identity", keys / "people.private.pem", "person+jwt", 900)

    signed = signer.sign("joinedup-person", NOW, {"sub": "somebody", "jti": "one"})

    assert verifier.verify(signed) == Caller(subject="somebody")


def test_a_person_without_a_key_to_check_them_is_refused(keys, clock):
    signer = TokenSigner("identity", keys / "people.private.pem", "person+jwt", 900)

    signed = signer.sign("joinedup-person", NOW, {"sub": "somebody"})

    assert refused(TokenVerifier("oven", keys, clock=clock), signed) == "token_key"


@pytest.mark.parametrize("claims", [{}, {"sub": ""}, {"sub": 7}, {"sub": "x", "lang": 7}])
def test_a_person_token_about_nobody_is_refused(keys, verifier, claims):
    signer = TokenSigner("identity", keys / "people.private.pem", "person+jwt", 900)

    assert refused(verifier, signer.sign("joinedup-person", NOW, claims)) == "token_malformed"


def test_a_service_cannot_sign_for_a_person(keys, verifier):
    signer = TokenSigner("shop", keys / "shop.private.pem", "person+jwt", 60)

    assert refused(verifier, signer.sign("joinedup-person", NOW, {"sub": "x"})) == "token_key"


@pytest.mark.parametrize("text", [None, ""])
def test_no_token_is_missing(verifier, text):
    assert refused(verifier, text) == "token_missing"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"iss": "nobody"}, "token_key"),
        ({"iss": "../shop"}, "token_key"),
        ({"iss": "thief"}, "token_key"),
        ({"iss": None}, "token_malformed"),
        ({"aud": "dairy"}, "token_audience"),
        ({"aud": None}, "token_audience"),
        ({"aud": ["oven", "dairy"]}, "token_audience"),
        ({"iat": ISSUED + 61, "exp": ISSUED + 120}, "clock_skew"),
        ({"nbf": ISSUED + 61}, "token_not_yet"),
        ({"exp": ISSUED}, "token_expired"),
        ({"iat": ISSUED - 600, "exp": ISSUED - 540}, "token_expired"),
        ({"exp": ISSUED + 61}, "token_lifetime"),
        ({"exp": None}, "token_malformed"),
        ({"iat": None}, "token_malformed"),
        ({"exp": "soon"}, "token_malformed"),
        ({"exp": True}, "token_malformed"),
        ({"exp": float("nan")}, "token_malformed"),
        ({"exp": float("inf")}, "token_malformed"),
        ({"nbf": "later"}, "token_malformed"),
    ],
)
def test_each_wrong_claim_has_its_word(keys, verifier, change, code):
    assert refused(verifier, token(keys, **change)) == code


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"typ": "publisher+jwt"}, "token_type"),
        ({"typ": None}, "token_type"),
        ({"crit": ["b64"], "b64": False}, "token_crit"),
        ({"crit": ["exp"]}, "token_crit"),
        ({"jku": "http://127.0.0.1/keys"}, "token_malformed"),
        ({"x5u": "http://127.0.0.1/keys"}, "token_malformed"),
    ],
)
def test_each_wrong_header_has_its_word(verifier, header, code):
    claims = {"iss": "shop", "aud": "oven", "iat": ISSUED, "exp": ISSUED + 60}

    signed = forged({"alg": "ES256", "typ": "service+jwt", **header}, claims)

    assert refused(verifier, signed) == code


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS256", "es256", "", None])
def test_every_other_algorithm_is_refused(verifier, algorithm):
    claims = {"iss": "shop", "aud": "oven", "iat": ISSUED, "exp": ISSUED + 60}

    signed = forged({"alg": algorithm, "typ": "service+jwt"}, claims, b"")

    assert refused(verifier, signed) == "token_alg"


def test_a_public_key_is_no_shared_secret(keys, verifier):
    secret = OctKey.import_key((keys / "shop.public.pem").read_bytes().replace(b"-----", b""))

    assert refused(verifier, token(keys, {"alg": "HS256"}, key=secret)) == "token_alg"


def test_a_changed_claim_breaks_the_signature(keys, verifier):
    head, _, signature = token(keys).split(".")
    claims = {"iss": "shop", "aud": "oven", "iat": ISSUED, "exp": ISSUED + 59}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()

    assert refused(verifier, f"{head}.{body}.{signature}") == "token_key"


@pytest.mark.parametrize(
    "text",
    ["x", "a.b", "a.b.c", "a.b.c.d", "é.é.é", "e30.e30.e30", "W10.e30.", "." * 2, "a" * 9000],
)
def test_what_is_no_token_is_malformed(verifier, text):
    assert refused(verifier, text) in {"token_malformed", "token_alg"}


def test_nine_kibibytes_are_refused_before_parsing(keys, verifier):
    assert refused(verifier, token(keys, padding="x" * 9 * 1024)) == "token_malformed"


@given(st.text(max_size=40) | st.from_regex(r"[A-Za-z0-9_-]{0,20}(\.[A-Za-z0-9_-]{0,20}){2}"))
def test_any_text_is_refused_with_a_word(text):
    def no_key(_issuer, _kid):
        return None

    with pytest.raises(TokenRefused):
        check_jwt(
            text,
            key_for=no_key,
            typ="service+jwt",
            audience="oven",
            now=NOW,
            max_lifetime=timedelta(seconds=60),
        )


def test_the_issuers_key_is_asked_for_with_its_id(keys):
    asked = []

    def key_for(issuer, kid):
        asked.append((issuer, kid))
        return ECKey.import_key((keys / "shop.public.pem").read_bytes())

    claims = check_jwt(
        token(keys, {"typ": "publisher+jwt", "kid": "2026"}, jti="one", exp=ISSUED + 300),
        key_for=key_for,
        typ="publisher+jwt",
        audience="oven",
        now=NOW,
        max_lifetime=timedelta(seconds=300),
    )

    assert asked == [("shop", "2026")]
    assert claims["jti"] == "one"


def test_a_token_is_kept_for_half_its_life(keys):
    signer = TokenSigner("shop", keys / "shop.private.pem")
    first = signer.token("oven", NOW)

    assert signer.token("oven", NOW + timedelta(seconds=29)) == first
    assert signer.token("oven", NOW + timedelta(seconds=30)) != first
    assert signer.token("dairy", NOW) != first


def test_a_clock_that_was_set_back_gets_a_fresh_token(keys, clock, verifier):
    signer = TokenSigner("shop", keys / "shop.private.pem")
    signer.token("oven", NOW)
    clock.set(NOW - timedelta(days=1))

    assert verifier.verify(signer.token("oven", clock.now())) == Caller(service="shop")


def test_a_replaced_key_is_believed_and_the_old_one_no_longer(tmp_path, clock):
    pair = (tmp_path / "shop.private.pem", tmp_path / "shop.public.pem")
    generate_keypair(*pair)
    verifier = TokenVerifier("oven", tmp_path, clock=clock)
    old = TokenSigner("shop", pair[0]).token("oven", NOW)
    assert verifier.verify(old).service == "shop"

    generate_keypair(*pair)

    assert refused(verifier, old) == "token_key"
    assert verifier.verify(TokenSigner("shop", pair[0]).token("oven", NOW)).service == "shop"


def test_a_token_that_was_believed_before_expires_all_the_same(keys, verifier, clock):
    signed = TokenSigner("shop", keys / "shop.private.pem").token("oven", NOW)
    assert verifier.verify(signed) == verifier.verify(signed)

    clock.advance(timedelta(seconds=61))

    assert refused(verifier, signed) == "token_expired"


def test_a_token_believed_before_does_not_vouch_for_another_signature(keys, verifier):
    signed = TokenSigner("shop", keys / "shop.private.pem").token("oven", NOW)
    verifier.verify(signed)
    body, _, signature = signed.rpartition(".")

    assert refused(verifier, f"{body}.{signature[::-1]}") == "token_key"


def test_only_the_owner_can_read_a_private_key(tmp_path):
    private_path = tmp_path / "deep" / "x.private.pem"

    generate_keypair(private_path, tmp_path / "x.public.pem")

    assert private_path.stat().st_mode & 0o777 == 0o600
    assert "PUBLIC" in (tmp_path / "x.public.pem").read_text()
