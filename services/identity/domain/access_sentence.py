"""A line of the access log in plain words, in English and in Welsh."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.identity.domain import access_line
from services.identity.domain.access_line import AccessLine, Action, ReaderKind

Words = Mapping[str, str]
"""One text by language."""


@dataclass(frozen=True)
class AccessNames:
    """What the catalogue calls things: publishers and event types, purposes, record fields."""

    publishers: Mapping[str, Words]
    purposes: Mapping[str, Words]
    fields: Mapping[str, Words]


@dataclass(frozen=True)
class Worded:
    """A line's reader and purpose by name, and all of it in a sentence or two."""

    reader_name: str
    purpose_name: str
    sentence: str


_PURPOSES: Final[Mapping[str, Words]] = {
    access_line.OWN_DATA: {"en": "your own data", "cy": "eich data eich hun"},
    access_line.REGISTRATION: {"en": "registering you", "cy": "eich cofrestru"},
    access_line.CHECKING_CHOICES: {
        "en": "keeping to your choices",
        "cy": "cadw at eich dewisiadau",
    },
    access_line.WHY: {
        "en": "finding out why something was or was not sent",
        "cy": "canfod pam y cafodd rhywbeth ei anfon neu beidio",
    },
}
_FIELDS: Final[Mapping[str, Words]] = {
    access_line.AGE: {"en": "your age", "cy": "eich oedran"},
    access_line.EARLIER_EVENTS: {
        "en": "which earlier events concerned you",
        "cy": "pa ddigwyddiadau blaenorol a oedd yn ymwneud â chi",
    },
    access_line.IDENTIFIERS: {
        "en": "numbers that departments know you by",
        "cy": "rhifau y mae adrannau yn eich adnabod wrthynt",
    },
    access_line.CHOICES: {"en": "your choices", "cy": "eich dewisiadau"},
    access_line.CHOICE_HISTORY: {
        "en": "the history of your choices",
        "cy": "hanes eich dewisiadau",
    },
    "nation": {"en": "where in the UK you live", "cy": "lle yn y DU rydych yn byw"},
    "publisher": {"en": "who told us", "cy": "pwy ddywedodd wrthym"},
    "inbox": {"en": "your inbox", "cy": "eich mewnflwch"},
    "prompt": {"en": "a message to you", "cy": "neges i chi"},
    "decision": {
        "en": "why something was or was not sent to you",
        "cy": "pam y cafodd rhywbeth ei anfon atoch neu beidio",
    },
    "name": {"en": "your name", "cy": "eich enw"},
    "other_names": {"en": "your other names", "cy": "eich enwau eraill"},
    "birth_date": {"en": "your date of birth", "cy": "eich dyddiad geni"},
    "postcode": {"en": "your postcode", "cy": "eich cod post"},
    "sex": {"en": "your sex", "cy": "eich rhyw"},
}
_OTHER_FIELD: Final[Words] = {
    "en": "another detail of your record",
    "cy": "manylyn arall o'ch cofnod",
}
_READERS: Final[Mapping[ReaderKind, Words]] = {
    ReaderKind.PERSON: {"en": "You", "cy": "Chi"},
    ReaderKind.DELEGATE: {
        "en": "Somebody who acts for you",
        "cy": "Rhywun sy'n gweithredu ar eich rhan",
    },
    ReaderKind.OPERATOR: {"en": "Staff who run Joined-Up", "cy": "Staff sy'n rhedeg Joined-Up"},
    ReaderKind.SERVICE: {"en": "Joined-Up itself", "cy": "Joined-Up ei hun"},
}
_BASES: Final[Mapping[str, Words]] = {
    "explicit_consent": {"en": "your permission", "cy": "eich caniatâd"},
    "public_task": {"en": "a public task", "cy": "tasg gyhoeddus"},
    "statutory_gateway": {
        "en": "a law that allows it",
        "cy": "cyfraith sy'n ei ganiatáu",
    },
    "statutory_notice": {
        "en": "a law that requires you to be told",
        "cy": "cyfraith sy'n mynnu eich bod yn cael gwybod",
    },
    "legal_obligation": {"en": "a legal duty", "cy": "dyletswydd gyfreithiol"},
    "vital_interest": {"en": "protecting life", "cy": "diogelu bywyd"},
}
_READ: Final[Mapping[ReaderKind, Words]] = {
    ReaderKind.PUBLISHER: {
        "en": "{who} told us something that concerns you ({purpose}). To see what may help you, "
        "we looked at: {fields}.{basis}",
        "cy": "Dywedodd {who} rywbeth wrthym sy'n ymwneud â chi ({purpose}). I weld beth all eich "
        "helpu, edrychwyd ar: {fields}.{basis}",
    },
    ReaderKind.PERSON: {
        "en": "You looked at: {fields}.",
        "cy": "Edrychoch chi ar: {fields}.",
    },
    ReaderKind.DELEGATE: {
        "en": "Somebody who acts for you looked at: {fields}.{basis}",
        "cy": "Edrychodd rhywun sy'n gweithredu ar eich rhan ar: {fields}.{basis}",
    },
    ReaderKind.OPERATOR: {
        "en": "Staff who run Joined-Up looked at: {fields}. What for: {purpose}.{basis}",
        "cy": "Edrychodd staff sy'n rhedeg Joined-Up ar: {fields}. At ba ddiben: {purpose}.{basis}",
    },
    ReaderKind.SERVICE: {
        "en": "On this day Joined-Up itself looked at: {fields}. What for: {purpose}.{basis}",
        "cy": "Ar y diwrnod hwn edrychodd Joined-Up ei hun ar: {fields}. At ba ddiben: {purpose}."
        "{basis}",
    },
}
_REFUSED: Final[Words] = {
    "en": "{who} tried to use your data in a way that is not allowed ({purpose}). This was "
    "refused, and nothing of yours was read.",
    "cy": "Ceisiodd {who} ddefnyddio eich data mewn ffordd na chaniateir ({purpose}). "
    "Gwrthodwyd hynny, ac ni ddarllenwyd dim o'ch data.",
}
# Nobody else stands between a person and their data: what they are refused is not theirs.
_REFUSED_OWN: Final[Words] = {
    "en": "You tried to see something that is not yours to see. This was refused.",
    "cy": "Ceisioch chi weld rhywbeth nad oes gennych hawl i'w weld. Gwrthodwyd hynny.",
}
_REFUSED_FOR: Final[Mapping[str, Words]] = {
    "basis_not_yours": {
        "en": "{who} tried to use your data on a legal basis of its own ({purpose}). This was "
        "refused, and nothing of yours was read.",
        "cy": "Ceisiodd {who} ddefnyddio eich data ar sail gyfreithiol o'i dewis ei hun "
        "({purpose}). Gwrthodwyd hynny, ac ni ddarllenwyd dim o'ch data.",
    },
}
_BASIS: Final[Words] = {"en": " Legal basis: {basis}.", "cy": " Sail gyfreithiol: {basis}."}
_NOTHING: Final[Words] = {
    "en": "nothing but what we were told",
    "cy": "dim ond yr hyn a ddywedwyd wrthym",
}
_AND: Final[Words] = {"en": "and", "cy": "a hefyd"}
# Behind a verb, where Welsh has them, these begin with a small letter.
_COMMON_NOUNS: Final = frozenset({ReaderKind.DELEGATE, ReaderKind.OPERATOR})


def worded(line: AccessLine, names: AccessNames, language: str) -> Worded:
    """The line's words in one language, `en` or `cy`; a name that is gone stands as its id."""
    who = _reader_name(line, names, language)
    purpose = _name(line.purpose, (_PURPOSES, names.purposes), language) or line.purpose
    basis = _BASES.get(line.lawful_basis)
    sentence = _template(line)[language].format(
        who=_in_sentence(line, who, language),
        purpose=purpose,
        fields=_listed([_field(each, names, language) for each in line.fields], language),
        basis=_BASIS[language].format(basis=basis[language]) if basis else "",
    )
    return Worded(who, purpose, sentence)


def _template(line: AccessLine) -> Words:
    if line.action is Action.READ:
        return _READ[line.reader.kind]
    if line.reader.kind is ReaderKind.PERSON:
        return _REFUSED_OWN
    return _REFUSED_FOR.get(line.reason, _REFUSED)


def _reader_name(line: AccessLine, names: AccessNames, language: str) -> str:
    if line.reader.kind is ReaderKind.PUBLISHER:
        return _name(line.reader.id, (names.publishers,), language) or line.reader.id
    return _READERS[line.reader.kind][language]


def _in_sentence(line: AccessLine, who: str, language: str) -> str:
    behind_a_verb = language == "cy" and line.reader.kind in _COMMON_NOUNS
    return who[0].lower() + who[1:] if behind_a_verb else who


def _field(name: str, names: AccessNames, language: str) -> str:
    return _name(name, (_FIELDS, names.fields), language) or _OTHER_FIELD[language]


def _name(name: str, among: Sequence[Mapping[str, Words]], language: str) -> str:
    return next((each[name][language] for each in among if name in each), "")


def _listed(words: Sequence[str], language: str) -> str:
    """The words as a list that is read aloud; each once."""
    unique = list(dict.fromkeys(words)) or [_NOTHING[language]]
    *first, last = unique
    return f"{', '.join(first)} {_AND[language]} {last}" if first else last
