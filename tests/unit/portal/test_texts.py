"""Every text stands in both languages, and each template asks only for texts that stand."""

import re
import string
import tomllib
from pathlib import Path

import pytest

from services import portal
from services.portal.domain.language import LANGUAGES, MONTHS

PORTAL = Path(portal.__file__).parent
# Words that are the same in both languages.
SAME: set[str] = set()


def read(language: str) -> dict[str, str]:
    groups = tomllib.loads((PORTAL / "texts" / f"{language}.toml").read_text("utf-8"))
    return {
        f"{group}.{key}": text for group, texts in groups.items() for key, text in texts.items()
    }


@pytest.fixture(scope="module")
def english():
    return read("en")


@pytest.fixture(scope="module")
def welsh():
    return read("cy")


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_no_text_is_missing_in_either_language(english, welsh):
    assert english
    assert english.keys() == welsh.keys()


def test_a_text_has_the_same_places_in_both_languages(english, welsh):
    assert {key: places(text) for key, text in english.items()} == {
        key: places(text) for key, text in welsh.items()
    }


def test_no_text_is_empty_or_left_in_english(english, welsh):
    assert [key for key in welsh if not welsh[key].strip()] == []
    assert {key for key in welsh if welsh[key] == english[key]} == SAME


def test_no_text_holds_markup(english, welsh):
    assert [key for key in english if re.search("[<>&]", english[key] + welsh[key])] == []


def test_every_text_that_a_template_asks_for_stands(english):
    asked = {
        key
        for template in (PORTAL / "templates").glob("*.html")
        for key in re.findall(
            r"""\bt\(\s*["']([a-z_]+\.[a-z_]+)["']\s*[,)]""", template.read_text()
        )
    }

    assert len(asked) > 40
    assert asked <= english.keys()


def test_each_language_has_twelve_months():
    assert {language: len(set(MONTHS[language])) for language in LANGUAGES} == {"en": 12, "cy": 12}
