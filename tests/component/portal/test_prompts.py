"""The inbox says nothing of what a prompt is about; the prompt says it all, and why."""

import pytest

from joinedup.notifications.v1 import prompts_pb2
from services.kit.ids import new_random_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

GONE = "This prompt is no longer available"


async def test_somebody_who_is_not_signed_in_learns_what_this_is(browser):
    page = await browser.page("/")

    assert page.status == 200
    assert page.headings["h1"] == ["Hear about help when it matters"]
    assert "/sign-in" in [link["href"] for link in page.having("a")]


async def test_an_empty_inbox_says_what_will_be_there(signed_in):
    page = await signed_in.page("/")

    assert "You have no prompts." in page.text


async def test_the_inbox_lists_prompts_without_saying_what_they_are_about(portal, signed_in):
    new, opened = portal.town.prompt(), portal.town.prompt(prompts_pb2.STATE_OPENED)

    page = await signed_in.page("/")

    links = [link["href"] for link in page.having("a") if "/prompts/" in link["href"]]
    assert links == [f"/prompts/{new}", f"/prompts/{opened}"]
    assert "Child Benefit" not in page.source
    assert "New" in page.said
    assert "Opened" in page.said


async def test_a_long_inbox_has_pages(portal, signed_in):
    ids = [portal.town.prompt() for _ in range(25)]

    first = await signed_in.page("/")
    older = next(link["href"] for link in first.having("a") if link.get("rel") == "next")
    second = await signed_in.page(older)

    assert ids[19] in first.source
    assert ids[20] not in first.source
    assert ids[20] in second.source
    assert [link for link in second.having("a") if link.get("rel") == "next"] == []


async def test_a_page_of_the_inbox_that_never_was_is_not_found(signed_in):
    page = await signed_in.page("/?page=forged")

    assert page.status == 404
    assert page.headings["h1"] == ["Page not found"]


async def test_a_prompt_is_opened_through_the_gate_and_says_everything(portal, signed_in):
    prompt_id = portal.town.prompt()

    page = await signed_in.page(f"/prompts/{prompt_id}")

    assert portal.town.opened == [(prompt_id, "inbox", "en")]
    assert page.headings["h1"] == ["You can claim Child Benefit"]
    for said in (
        "HM Revenue and Customs",
        "A weekly payment",
        "18 February 2027",
        "A birth was registered that names you.",
        "Source: GRO, 20 November 2026",
        "Your permission.",
        "https://www.gov.uk/child-benefit",
        "You can object at any time.",
        "Child Benefit helpline, 0300 200 3100",
        "family.child-benefit 1.0",
    ):
        assert said in page.text


async def test_what_comes_back_together_is_one_page_with_all_of_it(portal, signed_in):
    prompt_id = portal.town.prompt()
    portal.town.digests[prompt_id] = [new_random_id(), new_random_id()]

    page = await signed_in.page(f"/prompts/{prompt_id}")

    assert page.headings["h1"] == ["Some suggestions are open to you again"]
    assert page.headings["h2"].count("You can claim Child Benefit") == 2
    assert page.text.count("18 February 2027") == 2
    assert page.text.count("Stop prompts like this from HM Revenue and Customs") == 2


async def test_a_prompt_speaks_welsh(portal, signed_in):
    prompt_id = portal.town.prompt()

    page = await signed_in.page(f"/prompts/{prompt_id}?lang=cy")

    assert portal.town.opened == [(prompt_id, "inbox", "cy")]
    assert page.headings["h1"] == ["Gallwch hawlio Budd-dal Plant"]
    assert "Ffynhonnell: GRO, 20 Tachwedd 2026" in page.text


async def test_a_prompt_that_was_taken_back_looks_like_one_that_never_was(portal, signed_in):
    taken_back = portal.town.prompt(prompts_pb2.STATE_SUPPRESSED)

    pages = [
        await signed_in.page(f"/prompts/{prompt_id}")
        for prompt_id in (taken_back, new_random_id(), "not-an-id", "a" * 500)
    ]

    assert {page.status for page in pages} == {404}
    assert {tuple(page.headings["h1"]) for page in pages} == {(GONE,)}
    assert len({page.text for page in pages}) == 1


@pytest.mark.parametrize(
    ("button", "value", "response"),
    [
        ("Yes, it was helpful", "helpful", prompts_pb2.RESPONSE_HELPFUL),
        ("No, it was not", "not_helpful", prompts_pb2.RESPONSE_NOT_HELPFUL),
    ],
)
async def test_a_person_says_whether_it_helped(portal, signed_in, button, value, response):
    prompt_id = portal.town.prompt()
    page = await signed_in.page(f"/prompts/{prompt_id}")

    after = await signed_in.pressed(page, button, opinion=value)

    assert portal.town.said == {prompt_id: response}
    assert f"You said that this was {value.replace('_', ' ')}. Thank you." in after.text


async def test_stopping_from_a_prompt_takes_one_press(portal, signed_in):
    portal.town.given["family", "hmrc"] = True
    page = await signed_in.page(f"/prompts/{portal.town.prompt()}")

    after = await signed_in.pressed(page, "Stop prompts like this from HM Revenue and Customs")

    assert portal.town.given == {("family", "hmrc"): False}
    assert "This took effect at" in after.text


async def test_what_others_wrote_is_shown_as_text(portal, signed_in):
    portal.town.title = '<script>alert("x")</script>'

    page = await signed_in.page(f"/prompts/{portal.town.prompt()}")

    assert page.headings["h1"] == ['<script>alert("x")</script>']
    assert [each for each in page.having("script") if "src" not in each] == []
