"""Signing in by the local provider, with a code and PKCE, as many at once as there are."""

import asyncio
import json

import httpx
import pytest
from joserfc import jws

from joinedup.client import Refused, Unavailable
from joinedup.client.sign_in import sign_in


def claims(id_token):
    return json.loads(jws.extract_compact(id_token.text.encode()).payload)


@pytest.fixture
async def http():
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        yield client


async def test_the_provider_says_who_signed_in_and_for_which_attempt(http, provider):
    token = await sign_in(http, issuer=provider, sub="mair")

    told = claims(token)
    assert told["sub"] == "mair"
    assert told["nonce"] == token.nonce
    assert told["aud"] in ("joinedup-portal", ["joinedup-portal"])


async def test_many_sign_in_at_once_and_each_is_who_they_are(http, provider):
    people = [f"person-{number}" for number in range(40)]

    tokens = await asyncio.gather(*(sign_in(http, issuer=provider, sub=each) for each in people))

    assert [claims(each)["sub"] for each in tokens] == people


async def test_a_provider_that_is_away_may_be_asked_again(http):
    with pytest.raises(Unavailable):
        await sign_in(http, issuer="http://127.0.0.1:9", sub="mair")


def answering(status, headers=()):
    """A provider whose sign-in page answers so."""

    def handle(request):
        if request.url.path.endswith("openid-configuration"):
            places = {"authorization_endpoint": "http://p/a", "token_endpoint": "http://p/t"}
            return httpx.Response(200, json=places)
        return httpx.Response(status, headers=dict(headers))

    return httpx.AsyncClient(transport=httpx.MockTransport(handle))


async def test_a_provider_that_fails_may_be_asked_again():
    async with answering(500) as http:
        with pytest.raises(Unavailable):
            await sign_in(http, issuer="http://p", sub="mair")


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("location", "http://127.0.0.1/signed-in?code=stolen"),),
        (("location", "http://127.0.0.1/signed-in?code=stolen&state=another"),),
    ],
)
async def test_an_answer_to_another_attempt_is_not_believed(headers):
    async with answering(302, headers) as http:
        with pytest.raises(Refused, match="login_state"):
            await sign_in(http, issuer="http://p", sub="mair")
