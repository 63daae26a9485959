"""Signing in: only the browser that began may end it, once, and as the person it was."""

from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import pytest_asyncio

from tests.component.portal.browser import Page

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def signed_in(browser):
    """A browser that came the whole way."""
    answer = await browser.sign_in()
    assert answer.status_code == 303
    return browser


def changed(address: str, **parameters: str | None) -> str:
    """The address with other query parameters; None takes one away."""
    parts = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    query |= {name: value for name, value in parameters.items() if value is not None}
    kept = {name: value for name, value in query.items() if parameters.get(name, "") is not None}
    return parts._replace(query=urlencode(kept)).geturl()


async def is_signed_in(browser):
    page = await browser.page("/")
    return page.headings["h1"] == ["Your prompts"]


async def test_a_person_signs_in_and_sees_their_inbox(browser):
    answer = await browser.sign_in()

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert await is_signed_in(browser)


async def test_the_request_is_bound_by_pkce_state_and_nonce(browser):
    query = parse_qs(urlsplit(await browser.to_provider()).query)

    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert query["redirect_uri"] == [f"{browser.origin}/sign-in/callback"]
    assert len({query["state"][0], query["nonce"][0], query["code_challenge"][0]}) == 3


async def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(browser):
    answer = await browser.sign_in()

    cookies = answer.headers.get_list("set-cookie")
    session = next(text for text in cookies if text.startswith("session="))
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(session.split("; "))
    assert "eyJ" not in "".join(cookies)


@pytest.mark.parametrize("parameters", [{"state": None}, {"state": "x" * 26}])
async def test_o01_a_missing_or_foreign_state_is_refused(browser, parameters):
    back = await browser.at_provider(await browser.to_provider())

    page = Page(await browser.get(changed(back, **parameters)))

    assert page.status == 400
    assert page.headings["h1"] == ["We could not sign you in"]
    assert not await is_signed_in(browser)


async def test_o01_another_browsers_state_is_refused(portal, browser):
    back = await browser.at_provider(await browser.to_provider())
    other = portal.browser()

    async with other.http:
        await other.to_provider()
        answer = await other.get(back)

    assert answer.status_code == 400
    assert portal.town.exchanged == 0


async def test_o02_an_answer_to_another_nonce_is_refused(portal, browser):
    address = changed(await browser.to_provider(), nonce="another-nonce")

    answer = await browser.get(await browser.at_provider(address))

    assert answer.status_code == 400
    assert portal.town.exchanged == 0
    assert not await is_signed_in(browser)


async def test_o03_an_answer_that_is_used_twice_ends_the_session(browser):
    back = await browser.at_provider(await browser.to_provider())
    assert (await browser.get(back)).status_code == 303
    assert await is_signed_in(browser)

    again = await browser.get(back)

    assert again.status_code == 400
    assert "used before" in again.text
    assert not await is_signed_in(browser)


async def test_o03_a_code_that_was_redeemed_ends_the_session(signed_in):
    first = await signed_in.at_provider(await signed_in.to_provider())
    code = parse_qs(urlsplit(first).query)["code"][0]
    await signed_in.get(first)
    assert await is_signed_in(signed_in)
    second = await signed_in.at_provider(await signed_in.to_provider())

    answer = await signed_in.get(changed(second, code=code))

    assert answer.status_code == 400
    assert not await is_signed_in(signed_in)


async def test_o04_the_answer_of_another_issuer_is_refused(portal, browser):
    back = await browser.at_provider(await browser.to_provider())

    answer = await browser.get(changed(back, iss="https://other.example"))

    assert answer.status_code == 400
    assert portal.town.exchanged == 0


async def test_o05_somebody_who_declines_gets_a_friendly_page_and_no_session(browser):
    back = await browser.at_provider(await browser.to_provider(), action="deny")
    state = parse_qs(urlsplit(await browser.to_provider()).query)["state"][0]

    page = Page(await browser.get(changed(back, state=state)))

    assert page.status == 200
    assert page.headings["h1"] == ["You did not sign in"]
    assert "session" not in browser.http.cookies


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/evil.example"]
)
async def test_o07_another_site_is_never_where_signing_in_leads(browser, target):
    answer = await browser.sign_in(next_path=target)

    assert answer.headers["location"] == "/"


async def test_signing_in_leads_back_to_the_page_that_asked_for_it(browser):
    first = await browser.get("/choices?lang=cy")
    assert first.headers["location"] == "/sign-in?next=%2Fchoices%3Flang%3Dcy"

    answer = await browser.sign_in(next_path="/choices?lang=cy")

    assert answer.headers["location"] == "/choices?lang=cy"


async def test_o08_coming_back_without_the_cookie_is_refused(portal, browser, stranger):
    back = await browser.at_provider(await browser.to_provider())

    answer = await stranger.get(back)

    assert answer.status_code == 400
    assert portal.town.exchanged == 0


async def test_o09_another_person_in_the_same_session_signs_both_out(portal, signed_in):
    portal.town.people["gwilym"] = portal.town.people["mair"]

    answer = await signed_in.sign_in("gwilym")

    assert answer.status_code == 400
    assert not await is_signed_in(signed_in)


async def test_signing_in_changes_the_sessions_id(signed_in):
    before = signed_in.http.cookies["session"]

    await signed_in.sign_in()

    after = signed_in.http.cookies["session"]
    assert after != before
    signed_in.http.cookies.set("session", before, domain="127.0.0.1")
    assert not await is_signed_in(signed_in)


async def test_somebody_whom_nobody_registered_is_told_so(browser):
    page = Page(await browser.sign_in("stranger"))

    assert page.status == 403
    assert page.headings["h1"] == ["We do not know you yet"]
    assert not await is_signed_in(browser)


async def test_fifteen_minutes_away_end_the_session(portal, signed_in):
    portal.town.clock.advance(timedelta(minutes=15))

    assert not await is_signed_in(signed_in)


async def test_a_token_that_ran_out_is_fetched_anew_and_the_page_is_not_lost(portal, signed_in):
    portal.town.token_seconds = 300
    await signed_in.sign_in()
    portal.town.clock.advance(timedelta(minutes=6))

    answer = await signed_in.get("/choices")
    back = await signed_in.sign_in(next_path="/choices")

    assert answer.headers["location"] == "/sign-in?next=%2Fchoices"
    assert back.headers["location"] == "/choices"
    assert (await signed_in.page("/choices")).status == 200


async def test_fetching_tokens_does_not_lengthen_the_eight_hours(portal, browser):
    await browser.sign_in()
    for _ in range(8 * 5 - 1):
        portal.town.clock.advance(timedelta(minutes=12))
        await browser.get("/choices")
    assert (await browser.sign_in()).status_code == 303
    assert await is_signed_in(browser)

    portal.town.clock.advance(timedelta(minutes=12))

    assert not await is_signed_in(browser)


async def test_signing_out_ends_the_session_for_everybody_who_has_its_id(portal, signed_in):
    session_id = signed_in.http.cookies["session"]

    page = await signed_in.pressed(await signed_in.page("/"), "Sign out")

    assert page.headings["h1"] == ["You have signed out"]
    assert "session" not in signed_in.http.cookies
    assert await portal.sessions.find(session_id) is None


async def test_the_persons_language_is_taken_over_unless_one_was_chosen(portal, browser):
    portal.town.language = "cy"
    await browser.sign_in()
    assert (await browser.page("/")).headings["h1"] == ["Eich awgrymiadau"]

    other = portal.browser()
    async with other.http:
        await other.get("/?lang=en")
        await other.sign_in()
        assert (await other.page("/")).headings["h1"] == ["Your prompts"]
