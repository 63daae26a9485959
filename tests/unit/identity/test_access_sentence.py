"""Every line of the access log reads as plain words, in both languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.identity.domain.access_line import (
    AccessLine,
    Action,
    Reader,
    ReaderKind,
    choices_checked,
)
from services.identity.domain.access_sentence import AccessNames, worded

AT = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
BIRTH = "civil-registration.birth.registered.v1"
NAMES = AccessNames(
    publishers={"gro": {"en": "General Register Office", "cy": "Swyddfa Gofrestru Gyffredinol"}},
    purposes={BIRTH: {"en": "A birth was registered", "cy": "Cofrestrwyd genedigaeth"}},
    fields={
        "rents_home": {"en": "The award covers rent", "cy": "Mae'r dyfarniad yn cynnwys rhent"}
    },
)


def a_line(kind: ReaderKind, action: Action = Action.READ, **changed: object) -> AccessLine:
    reader = Reader(kind, "gro" if kind is ReaderKind.PUBLISHER else "")
    line = AccessLine(
        id="a" * 26,
        subject="b" * 26,
        at=AT,
        reader=reader,
        action=action,
        purpose=BIRTH,
        lawful_basis="public_task",
        fields=("age", "rents_home"),
    )
    return replace(line, **changed)  # type: ignore[arg-type]  # a test's own words


READS = {
    (ReaderKind.PUBLISHER, "en"): "General Register Office told us something that concerns you "
    "(A birth was registered). To see what may help you, we looked at: your age and The award "
    "covers rent. Legal basis: a public task.",
    (ReaderKind.PUBLISHER, "cy"): "Dywedodd Swyddfa Gofrestru Gyffredinol rywbeth wrthym sy'n "
    "ymwneud â chi (Cofrestrwyd genedigaeth). I weld beth all eich helpu, edrychwyd ar: eich "
    "oedran a hefyd Mae'r dyfarniad yn cynnwys rhent. Sail gyfreithiol: tasg gyhoeddus.",
    (ReaderKind.PERSON, "en"): "You looked at: your age and The award covers rent.",
    (ReaderKind.PERSON, "cy"): "Edrychoch chi ar: eich oedran a hefyd Mae'r dyfarniad yn cynnwys "
    "rhent.",
    (ReaderKind.DELEGATE, "en"): "Somebody who acts for you looked at: your age and The award "
    "covers rent. Legal basis: a public task.",
    (ReaderKind.DELEGATE, "cy"): "Edrychodd rhywun sy'n gweithredu ar eich rhan ar: eich oedran a "
    "hefyd Mae'r dyfarniad yn cynnwys rhent. Sail gyfreithiol: tasg gyhoeddus.",
    (ReaderKind.OPERATOR, "en"): "Staff who run Joined-Up looked at: your age and The award covers "
    "rent. What for: A birth was registered. Legal basis: a public task.",
    (ReaderKind.OPERATOR, "cy"): "Edrychodd staff sy'n rhedeg Joined-Up ar: eich oedran a hefyd "
    "Mae'r dyfarniad yn cynnwys rhent. At ba ddiben: Cofrestrwyd genedigaeth. Sail gyfreithiol: "
    "tasg gyhoeddus.",
    (ReaderKind.SERVICE, "en"): "On this day Joined-Up itself looked at: your age and The award "
    "covers rent. What for: A birth was registered. Legal basis: a public task.",
    (ReaderKind.SERVICE, "cy"): "Ar y diwrnod hwn edrychodd Joined-Up ei hun ar: eich oedran a "
    "hefyd Mae'r dyfarniad yn cynnwys rhent. At ba ddiben: Cofrestrwyd genedigaeth. Sail "
    "gyfreithiol: tasg gyhoeddus.",
}
TRIED_EN = (
    " tried to use your data in a way that is not allowed (A birth was registered). This was "
    "refused, and nothing of yours was read."
)
TRIED_CY = (
    " ddefnyddio eich data mewn ffordd na chaniateir (Cofrestrwyd genedigaeth). Gwrthodwyd hynny, "
    "ac ni ddarllenwyd dim o'ch data."
)
REFUSALS = {
    (ReaderKind.PUBLISHER, "en"): "General Register Office" + TRIED_EN,
    (ReaderKind.PUBLISHER, "cy"): "Ceisiodd Swyddfa Gofrestru Gyffredinol" + TRIED_CY,
    (ReaderKind.PERSON, "en"): "You tried to see something that is not yours to see. This was "
    "refused.",
    (ReaderKind.PERSON, "cy"): "Ceisioch chi weld rhywbeth nad oes gennych hawl i'w weld. "
    "Gwrthodwyd hynny.",
    (ReaderKind.DELEGATE, "en"): "Somebody who acts for you" + TRIED_EN,
    (ReaderKind.DELEGATE, "cy"): "Ceisiodd rhywun sy'n gweithredu ar eich rhan" + TRIED_CY,
    (ReaderKind.OPERATOR, "en"): "Staff who run Joined-Up" + TRIED_EN,
    (ReaderKind.OPERATOR, "cy"): "Ceisiodd staff sy'n rhedeg Joined-Up" + TRIED_CY,
    (ReaderKind.SERVICE, "en"): "Joined-Up itself" + TRIED_EN,
    (ReaderKind.SERVICE, "cy"): "Ceisiodd Joined-Up ei hun" + TRIED_CY,
}


@pytest.mark.parametrize("language", ["en", "cy"])
@pytest.mark.parametrize("kind", ReaderKind)
def test_what_was_read_stands_in_a_plain_sentence(kind, language):
    assert worded(a_line(kind), NAMES, language).sentence == READS[kind, language]


@pytest.mark.parametrize("language", ["en", "cy"])
@pytest.mark.parametrize("kind", ReaderKind)
def test_what_was_refused_stands_in_a_plain_sentence(kind, language):
    line = a_line(kind, Action.REFUSED, fields=(), lawful_basis="", reason="scope_denied")

    assert worded(line, NAMES, language).sentence == REFUSALS[kind, language]


def test_a_basis_of_its_own_is_said_to_be_that():
    line = a_line(ReaderKind.PUBLISHER, Action.REFUSED, fields=(), reason="basis_not_yours")

    assert worded(line, NAMES, "en").sentence == (
        "General Register Office tried to use your data on a legal basis of its own (A birth was "
        "registered). This was refused, and nothing of yours was read."
    )
    assert worded(line, NAMES, "cy").sentence == (
        "Ceisiodd Swyddfa Gofrestru Gyffredinol ddefnyddio eich data ar sail gyfreithiol o'i dewis "
        "ei hun (Cofrestrwyd genedigaeth). Gwrthodwyd hynny, ac ni ddarllenwyd dim o'ch data."
    )


def test_a_service_that_keeps_to_choices_says_so():
    line = choices_checked("notifications", "b" * 26, AT)

    assert line.at == datetime(2026, 11, 23, tzinfo=UTC)
    assert worded(line, NAMES, "en").sentence == (
        "On this day Joined-Up itself looked at: your choices. What for: keeping to your choices. "
        "Legal basis: a public task."
    )


def test_where_nothing_was_known_that_is_said_and_unlabelled_fields_stand_once():
    nothing = a_line(ReaderKind.PUBLISHER, fields=())
    unlabelled = a_line(ReaderKind.PERSON, fields=("x", "y", "age", "sex"))

    assert "we looked at: nothing but what we were told." in worded(nothing, NAMES, "en").sentence
    assert "edrychwyd ar: dim ond yr hyn a ddywedwyd wrthym." in (
        worded(nothing, NAMES, "cy").sentence
    )
    assert worded(unlabelled, NAMES, "en").sentence == (
        "You looked at: another detail of your record, your age and your sex."
    )


def test_a_name_that_left_the_catalogue_stands_as_its_id():
    line = a_line(
        ReaderKind.PUBLISHER, purpose="gone.type.v1", reader=Reader(ReaderKind.PUBLISHER, "old")
    )

    words = worded(line, NAMES, "en")

    assert (words.reader_name, words.purpose_name) == ("old", "gone.type.v1")
