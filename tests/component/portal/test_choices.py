"""Giving and taking back take one press each, and the page never says more than is so."""

from datetime import timedelta

import pytest

from tests.component.portal.town import HMRC_CY, HMRC_EN

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_everything_is_off_at_first_and_said_in_plain_words(signed_in):
    page = await signed_in.page("/choices")

    assert page.headings["h2"] == ["Family and children", "Driving"]
    assert HMRC_EN in page.text
    assert page.said.count("Not allowed") == 2
    assert [form.action for form in page.forms].count("/choices/give") == 2


async def test_a_person_allows_with_one_press(portal, signed_in):
    page = await signed_in.pressed(await signed_in.page("/choices"), "Allow")

    assert portal.town.given == {("family", "hmrc"): True}
    assert "You allowed prompts from HM Revenue and Customs (Family and children)." in page.text
    assert "Allowed" in page.said


async def test_a_person_takes_back_with_one_press_and_reads_when_it_took_effect(portal, signed_in):
    portal.town.given["family", "hmrc"] = True

    page = await signed_in.pressed(await signed_in.page("/choices"), "Stop")

    moment = portal.town.clock.now()
    assert portal.town.given == {("family", "hmrc"): False}
    assert f"This took effect at {moment:%H:%M:%S}." in page.text  # London is at UTC in November
    assert "Stopped" in page.said


async def test_the_outcome_is_said_once(portal, signed_in):
    portal.town.given["family", "hmrc"] = True
    await signed_in.pressed(await signed_in.page("/choices"), "Stop")

    page = await signed_in.page("/choices")

    assert "took effect" not in page.text


async def test_what_has_not_taken_effect_everywhere_is_not_called_done(portal, signed_in):
    portal.town.given["family", "hmrc"] = True
    portal.town.outstanding = 1

    page = await signed_in.pressed(await signed_in.page("/choices"), "Stop")
    later = await signed_in.page("/choices")

    for shown in (page, later):
        assert "It is taking effect" in shown.text
        assert "Taking effect" in shown.said
        assert "took effect at" not in shown.text

    portal.town.outstanding = 0
    checked = await signed_in.pressed(later, "Check again")

    assert "This took effect at" in checked.text
    assert "Stopped" in checked.said


async def test_what_took_effect_meanwhile_is_said_on_the_next_page(portal, signed_in):
    portal.town.given["family", "hmrc"] = True
    portal.town.outstanding = 1
    await signed_in.pressed(await signed_in.page("/choices"), "Stop")
    portal.town.outstanding = 0

    page = await signed_in.page("/choices")

    assert "This took effect at" in page.text
    assert "Taking effect" not in page.said


@pytest.mark.parametrize("given", [True, None])
async def test_a_person_objects_with_one_press_whatever_they_said_before(portal, signed_in, given):
    if given:
        portal.town.given["family", "hmrc"] = True

    page = await signed_in.pressed(await signed_in.page("/choices"), "Object")

    assert portal.town.objected == {("family", "hmrc")}
    assert portal.town.given == {("family", "hmrc"): False}
    assert "You objected to prompts from HM Revenue and Customs" in page.text
    assert "This took effect at" in page.text
    assert "You objected" in page.said
    assert [form.action for form in page.forms].count("/choices/object") == 1  # the other's


async def test_only_the_person_lifts_an_objection_by_allowing(portal, signed_in):
    page = await signed_in.pressed(await signed_in.page("/choices"), "Object")

    allowed = await signed_in.pressed(page, "Allow")

    assert portal.town.objected == set()
    assert "Allowed" in allowed.said


async def test_words_that_changed_meanwhile_are_not_agreed_to(portal, signed_in):
    page = await signed_in.page("/choices")
    portal.town.agreement = "b" * 64

    answer = await signed_in.press(page, "Allow")

    assert answer.status_code == 412
    assert "Something changed since you opened that page" in answer.text
    assert portal.town.given == {}


async def test_choices_that_changed_meanwhile_are_shown_before_a_yes(portal, signed_in):
    page = await signed_in.page("/choices")
    portal.town.serial += 1

    answer = await signed_in.press(page, "Allow")
    again = await signed_in.pressed(await signed_in.page("/choices"), "Allow")

    assert answer.status_code == 412
    assert again.status == 200
    assert portal.town.given == {("family", "hmrc"): True}


async def test_a_no_holds_whatever_changed_meanwhile(portal, signed_in):
    portal.town.given["family", "hmrc"] = True
    page = await signed_in.page("/choices")
    portal.town.serial += 5

    after = await signed_in.pressed(page, "Stop")

    assert "This took effect at" in after.text


async def test_a_serial_that_is_no_number_is_refused(portal, signed_in):
    page = await signed_in.page("/choices")

    answer = await signed_in.press(page, "Allow", serial="1; drop")

    assert answer.status_code == 412
    assert portal.town.given == {}


async def test_a_purpose_that_nobody_offers_is_refused(signed_in):
    page = await signed_in.page("/choices")

    form = page.form("Allow")
    form.action = "/choices/withdraw"
    answer = await signed_in.press(page, "Allow", purpose="astrology")

    assert answer.status_code == 422
    assert "astrology" not in answer.text


async def test_the_words_are_welsh_for_those_who_read_welsh(signed_in):
    page = await signed_in.page("/choices?lang=cy")

    assert HMRC_CY in page.text
    assert page.headings["h1"] == ["Eich dewisiadau"]
    assert page.having("html")[0]["lang"] == "cy"


async def test_a_press_after_the_session_ended_does_nothing_and_says_so(portal, signed_in):
    page = await signed_in.page("/choices")
    portal.town.clock.advance(timedelta(minutes=20))

    answer = await signed_in.press(page, "Allow")

    assert answer.status_code == 403
    assert "what you pressed was not done" in answer.text
    assert portal.town.given == {}
