"""Forged forms, foreign hosts, failing parts: each answered plainly, and nothing done."""

import logging

import grpc
import httpx
import pytest

from services.kit.rpc import RpcRefused
from tests.component.portal.browser import Page
from tests.component.portal.conftest import running

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORGERIES = [
    {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    {"origin": "null"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
]


@pytest.mark.parametrize("headers", FORGERIES)
async def test_a_form_from_elsewhere_changes_nothing(portal, signed_in, headers):
    form = (await signed_in.page("/choices")).form("Allow")

    answer = await signed_in.http.post(form.action, data=form.fields, headers=headers)

    assert answer.status_code == 403
    assert portal.town.given == {}


@pytest.mark.parametrize("token", ["", "0" * 64, "ü"])
async def test_a_form_without_this_sessions_token_changes_nothing(portal, signed_in, token):
    page = await signed_in.page("/choices")

    answer = await signed_in.press(page, "Allow", form_token=token)

    assert answer.status_code == 403
    assert portal.town.given == {}


async def test_the_token_of_another_session_changes_nothing(portal, signed_in):
    other = portal.browser()
    async with other.http:
        await other.sign_in()
        token = (await other.page("/choices")).form("Allow").fields["form_token"]

    answer = await signed_in.press(await signed_in.page("/choices"), "Allow", form_token=token)

    assert answer.status_code == 403
    assert portal.town.given == {}


async def test_a_forged_sign_out_leaves_the_person_signed_in(signed_in):
    answer = await signed_in.http.post("/sign-out", headers={"sec-fetch-site": "cross-site"})

    assert answer.status_code == 403
    assert (await signed_in.page("/")).headings["h1"] == ["Your prompts"]


async def test_a_form_that_is_too_large_is_not_read(signed_in):
    answer = await signed_in.http.post("/choices/give", data={"purpose": "x" * 20_000})

    assert answer.status_code == 413


async def test_another_host_is_not_answered_for(portal, stranger):
    answer = await stranger.get(f"{portal.origin}/", headers={"host": "evil.example"})

    assert answer.status_code == 421


async def test_nothing_personal_is_kept_by_browsers_or_framed_or_leaked(portal, signed_in):
    prompt_id = portal.town.prompt()

    for path in ("/", "/choices", f"/prompts/{prompt_id}", "/signed-out", "/nowhere"):
        headers = (await signed_in.get(path)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


async def test_styles_and_scripts_are_kept_for_ever_and_nothing_else_is_served(portal, stranger):
    page = Page(await stranger.get(f"{portal.origin}/"))
    addresses = [str(each["src"]) for each in page.having("script")]
    addresses += [str(each["href"]) for each in page.having("link")]

    for address in addresses:
        answer = await stranger.get(f"{portal.origin}{address}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    folder = addresses[0].rpartition("/")[0]
    for name in ("../settings.py", "%2e%2e/settings.py", "portal.toml"):
        assert (await stranger.get(f"{portal.origin}{folder}/{name}")).status_code == 404


async def test_services_that_are_away_are_said_with_the_time_to_come_back(
    town, provider, redis_url
):
    async with running(town, provider, redis_url) as portal:
        browser = portal.browser()
        async with browser.http:
            await browser.sign_in()
            await portal.around.stop()
            answers = [await browser.get(path) for path in ("/", "/choices")]

    for answer in answers:
        assert answer.status_code == 503
        assert answer.headers["retry-after"].isdigit()
        assert Page(answer).headings["h1"] == ["Sorry, this does not work right now"]


async def test_without_redis_pages_say_so_and_the_first_page_still_stands(town, provider):
    async with running(town, provider, "redis://127.0.0.1:28999/0") as portal:
        browser = portal.browser()
        async with browser.http:
            first = await browser.get("/")
            begun = await browser.get("/sign-in")
            browser.http.cookies.set("session", "x" * 26, domain="127.0.0.1")
            inbox = await browser.get("/")

    assert (first.status_code, begun.status_code, inbox.status_code) == (200, 503, 503)


async def test_without_the_provider_signing_in_says_so(town, redis_url):
    nobody = "http://127.0.0.1:28998"
    async with running(town, nobody, redis_url) as portal, httpx.AsyncClient() as http:
        answer = await http.get(f"{portal.origin}/sign-in")

    assert answer.status_code == 503


async def test_a_fault_of_ours_shows_nothing_of_itself(portal, signed_in, caplog):
    portal.town.broken = RuntimeError("QQ123456C")

    with caplog.at_level(logging.INFO):
        answer = await signed_in.get("/choices")

    assert answer.status_code == 500
    assert Page(answer).headings["h1"] == ["Sorry, something went wrong"]
    assert "QQ123456C" not in answer.text
    assert "Traceback" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_token_that_a_service_refuses_leads_to_signing_in(portal, signed_in):
    portal.town.broken = RpcRefused(grpc.StatusCode.UNAUTHENTICATED, "token_expired")

    answer = await signed_in.get("/choices")

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?")


async def test_nothing_of_a_person_is_logged(portal, browser, caplog):
    with caplog.at_level(logging.DEBUG, logger="services"):
        await browser.sign_in()
        session = browser.http.cookies["session"]
        await browser.get(f"/prompts/{portal.town.prompt()}")
        back = await browser.at_provider(await browser.to_provider())
        await browser.get(back)
        await browser.get(back)

    logged = " ".join(f"{record.msg} {record.args} {record.__dict__}" for record in caplog.records)
    handle = portal.town.people["mair"]
    for secret in (session, handle, "mair", "eyJ", back.partition("code=")[2].partition("&")[0]):
        assert secret not in logged
    assert "login_code_used" in logged


async def test_health_is_answered_under_any_host(portal, stranger):
    for path in ("/health/live", "/health/ready"):
        answer = await stranger.get(f"{portal.origin}{path}", headers={"host": "probe"})
        assert answer.status_code == 200
