"""Every page, in both languages, can be used by everybody and carries nobody else's marks."""

import re
from itertools import pairwise

import pytest
import pytest_asyncio

from services.kit.ids import new_random_id
from services.portal.entrypoints.texts import Texts
from tests.component.portal.conftest import HERE

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHERS_MARKS = re.compile(r"crown|gov\.uk|royal|crest|gds transport", re.IGNORECASE)
SIGNED_OUT = ("/", "/signed-out", "/nowhere", "/sign-in/callback")
SIGNED_IN = ("/", "/choices", "/prompts/{known}", "/prompts/{unknown}", "/nowhere")
EVERY_PAGE = [
    pytest.param((path, language, inside), id=f"{path}-{language}-{'in' if inside else 'out'}")
    for language in ("en", "cy")
    for inside, paths in ((False, SIGNED_OUT), (True, SIGNED_IN))
    for path in paths
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pages(module_portal):
    """Each page once: path, language and whether somebody is signed in → the page."""
    town = module_portal.town
    town.given["family", "hmrc"] = True
    places = {"known": town.prompt(), "unknown": new_random_id()}
    browser = module_portal.browser()
    found = {}
    async with browser.http:
        for inside, paths in ((False, SIGNED_OUT), (True, SIGNED_IN)):
            if inside:
                await browser.sign_in()
            for path in paths:
                for language in ("en", "cy"):
                    address = f"{path.format(**places)}?lang={language}"
                    found[path, language, inside] = await browser.page(address)
    return found


@pytest.fixture
def page(request, pages):
    return pages[request.param]


@pytest.mark.parametrize("page", EVERY_PAGE, indirect=True)
async def test_every_page_is_whole(page, request):
    language = request.node.callspec.params["page"][1]

    assert page.having("html")[0]["lang"] == language
    assert page.headers["content-language"] == language
    assert len(page.headings["h1"]) == 1
    assert page.title == f"{page.headings['h1'][0]} – Joined-Up"
    assert [each["id"] for each in page.having("main")] == ["main-content"]
    assert page.having("a")[0]["href"] == "#main-content"
    viewport = [each for each in page.having("meta") if each.get("name") == "viewport"]
    assert "maximum-scale" not in viewport[0]["content"]


@pytest.mark.parametrize("page", EVERY_PAGE, indirect=True)
async def test_no_page_has_anything_inline_or_from_elsewhere(page):
    assert all("src" in each for each in page.having("script"))
    assert page.having("style") == []
    handlers = [name for _tag, found in page.tags for name in found if name.startswith("on")]
    assert handlers == []
    assert [tag for tag, found in page.tags if "style" in found] == []
    loaded = [each.get("src") or each.get("href") for each in page.having("script")]
    loaded += [each["href"] for each in page.having("link")]
    assert loaded
    assert all(address.startswith("/assets/") for address in loaded)


@pytest.mark.parametrize("page", EVERY_PAGE, indirect=True)
async def test_no_page_wears_somebody_elses_marks(page):
    # A prompt may link to where one acts; the frame around it may not pretend to be that place.
    source = re.sub(r"(https://)?www\.gov\.uk[\w/-]*", "", page.source)

    assert OTHERS_MARKS.findall(source) == []


@pytest.mark.parametrize("page", EVERY_PAGE, indirect=True)
async def test_every_element_that_is_named_exists_once(page):
    ids = [found["id"] for _tag, found in page.tags if "id" in found]
    named = [
        name
        for _tag, found in page.tags
        for attribute in ("aria-describedby", "aria-labelledby")
        for name in (found.get(attribute) or "").split()
    ]

    assert len(ids) == len(set(ids))
    assert set(named) <= set(ids)


@pytest.mark.parametrize("page", EVERY_PAGE, indirect=True)
async def test_headings_do_not_skip_a_level(page):
    levels = [int(tag[1]) for tag, _found in page.tags if re.fullmatch(r"h[1-6]", tag)]

    assert levels[0] == 1
    assert max((b - a for a, b in pairwise(levels)), default=0) <= 1


async def test_a_welsh_page_says_nothing_of_ours_in_english(pages):
    english = Texts.load(HERE / "texts").speaking("en")
    page = pages["/choices", "cy", True]

    for key in ("page.skip", "page.footer", "page.menu", "page.sign_out", "choices.lead"):
        assert english(key) not in page.source


async def test_the_language_is_remembered_and_can_be_changed_on_every_page(signed_in):
    welsh = await signed_in.page("/choices?lang=cy")
    still = await signed_in.page("/choices")

    assert still.having("html")[0]["lang"] == "cy"
    back = [link for link in welsh.having("a") if link.get("hreflang") == "en"]
    assert back[0]["href"] == "/choices?lang=en"


async def test_a_path_that_looks_like_another_site_is_not_linked(browser):
    page = await browser.page(f"{browser.origin}//evil.example/x")

    assert page.status == 404
    assert "//evil.example" not in page.source


async def test_the_styles_carry_no_typeface_and_no_picture(browser):
    page = await browser.page("/")

    for link in page.having("link"):
        if link["rel"] == "stylesheet":
            styles = (await browser.get(link["href"])).text
            marks = re.sub(r"\.govuk-footer__[a-z-]*", "", styles)
            assert OTHERS_MARKS.findall(marks) == []
            assert "url(" not in styles
            assert "@font-face" not in styles
