"""Every nudge we ship: help that may be refused, in words that everybody can read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.kit.yaml_file import read_yaml

ROOT = Path(__file__).resolve().parents[3]
NUDGES = {
    path.stem: read_yaml(path).data for path in sorted((ROOT / "catalogue/nudges").rglob("*.yaml"))
}
EACH = pytest.mark.parametrize("nudge", NUDGES.values(), ids=NUDGES.keys())

# Hurry, loss and selling, in both languages.
PRESSURE = re.compile(
    r"\b(hurry|quick(ly)?|urgent(ly)?|now or never|don't miss|miss out|last chance|lose|losing|"
    r"fine|penalty|only \d+ days|act now|must|before it is too late|amazing|"
    r"brys|brysiwch|colli|cyfle olaf|dirwy|rhaid|rhy hwyr)\b",
    re.IGNORECASE,
)
DEATH = "civil-registration.death.registered.v1"
MONEY = re.compile(r"[£%]|\d{3,}")


def texts(nudge, language):
    message = nudge["messages"][language]
    return [
        message["title"],
        message["body"],
        nudge["explanation"][language],
        nudge.get("value", {}).get(language, ""),
    ]


def reading_age(text):
    """Flesch-Kincaid grade plus five years, over the placeholders' place-holding words."""
    plain = re.sub(r"\{[a-z]+\}", "two May", text)
    sentences = max(1, len(re.findall(r"[.!?](\s|$)", plain)))
    words = re.findall(r"[A-Za-z']+", plain)
    syllables = sum(
        max(1, len(re.findall(r"[aeiouy]+", re.sub(r"e\b", "", w.lower())))) for w in words
    )
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59 + 5


def test_a_death_brings_nothing_but_what_the_informant_chose():
    about_death = [n for n in NUDGES.values() if n["event_type"] == DEATH]

    assert about_death
    assert {role for nudge in about_death for role in nudge["roles"]} == {"partner"}


def test_the_loss_of_a_baby_brings_nothing():
    assert not [n for n in NUDGES.values() if "pregnancy-loss" in n["event_type"]]


@EACH
def test_no_pressure_in_either_language(nudge):
    said = [*texts(nudge, "en"), *texts(nudge, "cy")]

    assert [found.group() for text in said for found in PRESSURE.finditer(text)] == []


@EACH
def test_no_figure_that_nobody_confirmed(nudge):
    said = [*texts(nudge, "en"), *texts(nudge, "cy")]

    assert [found.group() for text in said for found in MONEY.finditer(text)] == []


@EACH
def test_a_child_of_eleven_can_read_it(nudge):
    assert reading_age(nudge["messages"]["en"]["body"]) <= 12.5


@EACH
def test_both_languages_are_there_and_are_two(nudge):
    for english, welsh in zip(texts(nudge, "en"), texts(nudge, "cy"), strict=True):
        assert bool(english) == bool(welsh)
        assert english != welsh or not english
    named = [
        set(re.findall(r"\{([a-z]+)\}", nudge["messages"][language]["body"]))
        for language in ("en", "cy")
    ]
    assert named[0] == named[1]


@EACH
def test_the_file_is_named_after_the_nudge(nudge):
    domain, _, name = nudge["id"].partition(".")

    assert (ROOT / "catalogue/nudges" / domain / f"{name}.yaml").is_file()


@EACH
def test_organ_donation_is_never_talked_into(nudge):
    said = " ".join(texts(nudge, "en")).lower()

    if "organ" in said:
        assert "yes or no" in said
        assert "become a donor" not in said


@pytest.mark.parametrize(
    "text",
    ["Act now to claim", "You will lose money", "Only 5 days left", "Brysiwch i hawlio", "a fine"],
)
def test_the_lint_can_fail(text):
    assert PRESSURE.search(text)
