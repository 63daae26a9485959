"""What people agree to when they permit one purpose of one department."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from services.identity.domain.errors import AgreementChanged, OfferUnknown

LANGUAGES = ("en", "cy")
Key = tuple[str, str]


class LawfulBasis(StrEnum):
    """What a department relies on when it uses what it may.

    Under each of them nothing is offered without the person's yes. What needs none (a statutory
    notice, a vital interest) is no agreement: the nudge declares it.
    """

    EXPLICIT_CONSENT = "explicit_consent"
    PUBLIC_TASK = "public_task"
    STATUTORY_GATEWAY = "statutory_gateway"


@dataclass(frozen=True)
class Agreement:
    """One (purpose, department), what it relies on, and the words shown for it, by language."""

    purpose: str
    controller: str
    lawful_basis: LawfulBasis
    purpose_name: Mapping[str, str]
    controller_name: Mapping[str, str]
    text: Mapping[str, str]

    @property
    def key(self) -> Key:
        """Purpose and controller."""
        return self.purpose, self.controller

    @cached_property
    def hash(self) -> str:
        """SHA-256, in hex, over basis and words, in every language: a change of them is another."""
        words = {
            "purpose": self.purpose,
            "controller": self.controller,
            "lawful_basis": self.lawful_basis.value,
            "purpose_name": dict(self.purpose_name),
            "controller_name": dict(self.controller_name),
            "text": dict(self.text),
        }
        canonical = json.dumps(words, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


Agreements = Mapping[Key, Agreement]


def agreed(agreements: Agreements, purpose: str, controller: str, shown_hash: str) -> Agreement:
    """The agreement in force; raises OfferUnknown, or AgreementChanged when another was shown."""
    found = agreements.get((purpose, controller))
    if found is None:
        raise OfferUnknown
    if shown_hash != found.hash:
        raise AgreementChanged
    return found
