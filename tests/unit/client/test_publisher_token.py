"""A department's token says who, to whom, until when, and is good once."""

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from joinedup.client.publisher_token import PublisherKey

NOW = 1_795_435_200.0
KEY = ECKey.generate_key("P-256")
PEM = KEY.as_pem(private=True)


def read(token):
    return jwt.decode(token, KEY, ["ES256"])


@pytest.fixture
def as_file(tmp_path):
    path = tmp_path / "gro.private.pem"
    path.write_bytes(PEM)
    return path


def test_a_token_has_the_header_and_claims_that_the_platform_asks_for():
    token = read(PublisherKey("gro", PEM, "gro-1").token(NOW))

    assert token.header == {"alg": "ES256", "typ": "publisher+jwt", "kid": "gro-1"}
    assert token.claims["iss"] == "gro"
    assert token.claims["aud"] == "joinedup-events"
    assert token.claims["iat"] == int(NOW)
    assert 0 < token.claims["exp"] - token.claims["iat"] <= 300


def test_without_an_id_of_the_key_the_token_names_none():
    assert read(PublisherKey("gro", PEM).token(NOW)).header == {
        "alg": "ES256",
        "typ": "publisher+jwt",
    }


def test_no_two_tokens_have_the_same_id():
    key = PublisherKey("gro", PEM, "gro-1")

    assert len({read(key.token(NOW)).claims["jti"] for _ in range(50)}) == 50


def test_a_key_is_a_path_a_text_or_bytes(as_file):
    for key in (as_file, str(as_file), PEM.decode(), PEM):
        assert read(PublisherKey("gro", key, "k").token(NOW)).claims["iss"] == "gro"
