from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.errors import ContentUnavailable
from services.notifications.domain.nudge import Bilingual, Names, version_parts
from services.notifications.domain.prompt import Content, Language, OpenedPrompt
from services.notifications.domain.rendering import in_words, render
from tests.unit.notifications.builders import (
    BIRTH,
    a_decision,
    a_nudge_decision,
    a_nudge_document,
    as_decision,
)

EN, CY = Language.EN, Language.CY
GRO = "General Register Office"
NAMES = Names(
    departments={
        "gro": Bilingual(GRO, "Swyddfa Gofrestru Gyffredinol"),
        "hmrc": Bilingual("HM Revenue and Customs", "Cyllid a Thollau EF"),
    },
    purposes={"family": Bilingual("Family and children", "Teulu a phlant")},
    event_types={BIRTH: Bilingual("A birth was registered", "Cofrestrwyd genedigaeth")},
)


def rendered(language: Language, names: Names = NAMES, **changed: Any) -> Content:
    nudge = a_nudge_decision(**changed)
    decision = as_decision(a_decision(nudge))
    opened = OpenedPrompt(nudge.prompt_id, decision, a_nudge_document(), None)
    return render(opened, names, language)


@pytest.mark.parametrize(
    ("text", "english", "welsh"),
    [
        ("2026-11-18", "18 November 2026", "18 Tachwedd 2026"),
        ("2026-02-01", "1 February 2026", "1 Chwefror 2026"),
        ("2026-08", "August 2026", "Awst 2026"),
        ("2026", "2026", "2026"),
        ("soon", "soon", "soon"),
        ("2026-02-30", "2026-02-30", "2026-02-30"),
        ("0000-01-01", "0000-01-01", "0000-01-01"),
    ],
)
def test_dates_are_written_as_people_write_them(text: str, english: str, welsh: str):
    assert (in_words(text, EN), in_words(text, CY)) == (english, welsh)


def test_each_month_has_its_own_name_in_each_language():
    for language in Language:
        assert len({in_words(f"2026-{month:02}", language) for month in range(1, 13)}) == 12


@given(st.dates())
def test_every_day_has_its_words(day: Any):
    for language in Language:
        assert in_words(day.isoformat(), language).startswith(f"{day.day} ")


def test_a_prompt_speaks_english():
    content = rendered(EN)

    assert content.body == "A birth was registered on 18 November 2026. Claim by 16 February 2027."
    assert content.deadline == "16 February 2027"
    assert content.controller_name == "HM Revenue and Customs"
    assert "Family and children" in content.how_to_object
    assert "HM Revenue and Customs" in content.how_to_object
    assert content.nudge == "family.child-benefit 1.0"


def test_a_prompt_speaks_welsh():
    content = rendered(CY)

    assert content.title == "Gallwch hawlio Budd-dal Plant"
    assert content.body.startswith("Cofrestrwyd genedigaeth ar 18 Tachwedd 2026.")
    assert content.link == "https://www.gov.uk/budd-dal-plant"
    assert content.deadline == "16 Chwefror 2027"
    assert "Teulu a phlant" in content.how_to_object
    assert content.contact == "Llinell gymorth, 0300 200 1900"


def test_the_why_names_the_source_of_each_fact_and_its_day():
    facts = [("facts.multiple_birth", "true"), ("nation", "W"), ("derived.age_years", "32")]
    why = rendered(EN, facts=[{"name": name, "value": value} for name, value in facts]).facts

    assert [(each.label, each.value, each.source, each.date) for each in why] == [
        ("What happened", "A birth was registered", GRO, "18 November 2026"),
        ("Multiple birth", "Yes", GRO, "23 November 2026"),
        ("Nation", "Wales", GRO, "23 November 2026"),
        ("Your age", "32", "Your Joined-Up record", "23 November 2026"),
    ]


def test_who_told_us_is_named_like_every_department():
    told = [{"name": "publisher", "value": "gro"}]

    [_, who] = rendered(EN, facts=told).facts
    [_, pwy] = rendered(CY, facts=told).facts

    assert (who.label, who.value) == ("Who told us", GRO)
    assert pwy.label == "Pwy ddywedodd wrthym"


def test_a_fact_s_own_title_comes_first():
    label = Bilingual("Twins or more", "Gefeilliaid neu fwy")
    names = Names(facts={(BIRTH, "facts.multiple_birth"): label})

    assert rendered(CY, names).facts[1].label == "Gefeilliaid neu fwy"
    assert rendered(CY, names).facts[1].value == "Na"


def test_what_has_no_name_is_called_by_its_id():
    content = rendered(EN, Names())

    assert content.controller_name == "hmrc"
    assert content.facts[0].value == BIRTH


def test_a_text_with_a_hole_in_it_is_not_shown():
    with pytest.raises(ContentUnavailable):
        rendered(EN, parameters={"deadline": "2027-02-16"})


def test_a_value_is_never_read_as_a_placeholder():
    content = rendered(EN, parameters={"occurred": "{deadline}", "deadline": "2027-02-16"})

    assert content.body.startswith("A birth was registered on {deadline}.")


def test_a_prompt_that_its_decision_does_not_know_is_not_shown():
    opened = OpenedPrompt("p" * 26, as_decision(a_decision()), a_nudge_document(), None)

    with pytest.raises(ContentUnavailable):
        render(opened, NAMES, EN)


def test_versions_have_two_numbers():
    assert version_parts("12.3") == (12, 3)
    assert version_parts("1") == version_parts("1.x") == version_parts("") == (0, 0)
    assert version_parts("9999999999.0") == (0, 0)
