"""A nudge's texts, and the names of departments, purposes and facts, as the catalogue has them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.notifications.domain.prompt import Language

# major.minor, each of at most nine digits: more is no version anybody wrote.
_VERSION = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Bilingual:
    """A text in both languages."""

    en: str
    cy: str

    def in_(self, language: Language) -> str:
        """The text in one of them."""
        return self.en if language is Language.EN else self.cy


NOTHING = Bilingual("", "")


@dataclass(frozen=True, slots=True)
class Nudge:
    """What one version of a nudge says."""

    id: str
    version: str
    owner: str
    purpose: str
    lawful_basis: str
    reference: str
    title: Bilingual
    body: Bilingual
    link: Bilingual
    explanation: Bilingual
    value: Bilingual
    contact: Bilingual


@dataclass(frozen=True, slots=True)
class Names:
    """What things are called: departments, purposes, event types, and facts by (type, name)."""

    departments: Mapping[str, Bilingual] = field(default_factory=dict)
    purposes: Mapping[str, Bilingual] = field(default_factory=dict)
    event_types: Mapping[str, Bilingual] = field(default_factory=dict)
    facts: Mapping[tuple[str, str], Bilingual] = field(default_factory=dict)

    def department(self, department: str, language: Language) -> str:
        """A department's name; its id when the catalogue has none."""
        known = self.departments.get(department)
        return known.in_(language) if known is not None else department

    def purpose(self, purpose: str, language: Language) -> str:
        """A purpose's name; its id when the catalogue has none."""
        known = self.purposes.get(purpose)
        return known.in_(language) if known is not None else purpose


def bilingual(document: Mapping[str, Any] | None) -> Bilingual:
    """A pair of texts in a catalogue's document; two empty ones when it is absent."""
    return Bilingual(document["en"], document["cy"]) if document is not None else NOTHING


def nudge_of(document: Mapping[str, Any]) -> Nudge:
    """The nudge in a catalogue's document that fits its schema."""
    messages = document["messages"]

    def text(part: str) -> Bilingual:
        return Bilingual(messages["en"][part], messages["cy"][part])

    return Nudge(
        id=document["id"],
        version=document["version"],
        owner=document["owner"],
        purpose=document["purpose"],
        lawful_basis=document["lawful_basis"],
        reference=document["reference"],
        title=text("title"),
        body=text("body"),
        link=text("link"),
        explanation=bilingual(document["explanation"]),
        value=bilingual(document.get("value")),
        contact=bilingual(document.get("contact")),
    )


def version_parts(version: str) -> tuple[int, int]:
    """Major and minor of a version; (0, 0) for text that is none, which no nudge has."""
    match = _VERSION.fullmatch(version)
    return (int(match[1]), int(match[2])) if match is not None else (0, 0)
