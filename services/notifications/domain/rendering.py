"""A prompt in words: its texts with their dates filled in, and why the person sees it."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from services.notifications.domain.decision import Decision, NudgeDecision, UsedFact
from services.notifications.domain.errors import ContentUnavailable
from services.notifications.domain.nudge import Bilingual, Names, Nudge, nudge_of
from services.notifications.domain.prompt import Content, Language, OpenedPrompt, WhyFact

_MONTHS: Final[dict[Language, tuple[str, ...]]] = {
    Language.EN: (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    Language.CY: (
        *("Ionawr", "Chwefror", "Mawrth", "Ebrill", "Mai", "Mehefin"),
        *("Gorffennaf", "Awst", "Medi", "Hydref", "Tachwedd", "Rhagfyr"),
    ),
}
# A placeholder of the catalogue's texts, for example {deadline}.
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
# A date that may end after its year or its month: 2026, 2026-11, 2026-11-18.
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")

_WORDS: Final[dict[str, Bilingual]] = {
    "true": Bilingual("Yes", "Ie"),
    "false": Bilingual("No", "Na"),
}
_NATIONS: Final[dict[str, Bilingual]] = {
    "E": Bilingual("England", "Lloegr"),
    "W": Bilingual("Wales", "Cymru"),
    "S": Bilingual("Scotland", "Yr Alban"),
    "NI": Bilingual("Northern Ireland", "Gogledd Iwerddon"),
}
_LABELS: Final[dict[str, Bilingual]] = {
    "nation": Bilingual("Nation", "Cenedl"),
    "publisher": Bilingual("Who told us", "Pwy ddywedodd wrthym"),
    "derived.age_years": Bilingual("Your age", "Eich oedran"),
}
_WHAT_HAPPENED: Final = Bilingual("What happened", "Beth ddigwyddodd")
_OUR_RECORD: Final = Bilingual("Your Joined-Up record", "Eich cofnod Joined-Up")
_BASES: Final[dict[str, Bilingual]] = {
    "explicit_consent": Bilingual(
        "You gave permission for prompts like this.",
        "Rhoesoch ganiatâd ar gyfer awgrymiadau fel hyn.",
    ),
    "public_task": Bilingual(
        "It is part of the department's public task, and you allowed prompts like this.",
        "Mae'n rhan o dasg gyhoeddus yr adran, ac fe wnaethoch ganiatáu awgrymiadau fel hyn.",
    ),
    "statutory_gateway": Bilingual(
        "The law lets the department use it for this, and you allowed prompts like this.",
        "Mae'r gyfraith yn gadael i'r adran ei ddefnyddio at hyn, ac fe wnaethoch ganiatáu"
        " awgrymiadau fel hyn.",
    ),
    "vital_interest": Bilingual(
        "It protects somebody's life.",
        "Mae'n diogelu bywyd rhywun.",
    ),
    "statutory_notice": Bilingual(
        "The law requires you to be told this.",
        "Mae'r gyfraith yn ei gwneud yn ofynnol i chi gael gwybod hyn.",
    ),
}
_HOW_TO_OBJECT: Final = Bilingual(
    "You can stop these prompts at any time. In your choices, turn off {purpose} for {department}.",
    "Gallwch atal yr awgrymiadau hyn unrhyw bryd. Yn eich dewisiadau, diffoddwch {purpose} ar"
    " gyfer {department}.",
)


def render(opened: OpenedPrompt, names: Names, language: Language) -> Content:
    """What an opened prompt says in one language; raises ContentUnavailable."""
    nudge = nudge_of(opened.nudge_document)
    if opened.parts:
        return _cover(opened, nudge, names, language)
    decision = opened.decision
    decided = decision.nudge_of(opened.prompt_id) if decision is not None else None
    if decision is None or decided is None:
        raise ContentUnavailable
    words = {name: in_words(value, language) for name, value in decided.parameters.items()}
    purpose = names.purpose(nudge.purpose, language)
    department = names.department(nudge.owner, language)
    objecting = {"purpose": purpose, "department": department}
    return Content(
        prompt_id=opened.prompt_id,
        language=language,
        title=_fill(nudge.title.in_(language), words),
        body=_fill(nudge.body.in_(language), words),
        link=nudge.link.in_(language),
        purpose=nudge.purpose,
        controller=nudge.owner,
        deadline=words.get("deadline", ""),
        value=nudge.value.in_(language),
        rule=nudge.explanation.in_(language),
        facts=why_facts(decision, decided, names, language),
        reference=nudge.reference,
        lawful_basis=_lawful_basis(nudge, language),
        controller_name=department,
        how_to_object=_fill(_HOW_TO_OBJECT.in_(language), objecting),
        contact=nudge.contact.in_(language),
        nudge=f"{nudge.id} {nudge.version}",
        answer=opened.answer,
    )


def _cover(opened: OpenedPrompt, nudge: Nudge, names: Names, language: Language) -> Content:
    """A digest: a few words, and each part as it would be opened alone."""
    return Content(
        prompt_id=opened.prompt_id,
        language=language,
        title=nudge.title.in_(language),
        body=nudge.body.in_(language),
        rule=nudge.explanation.in_(language),
        nudge=f"{nudge.id} {nudge.version}",
        answer=opened.answer,
        parts=tuple(render(part, names, language) for part in opened.parts),
        link="",
        purpose="",
        controller="",
        deadline="",
        value="",
        facts=(),
        reference="",
        lawful_basis="",
        controller_name="",
        how_to_object="",
        contact="",
    )


def why_facts(
    decision: Decision, decided: NudgeDecision, names: Names, language: Language
) -> tuple[WhyFact, ...]:
    """The event first, then every fact the decision looked at, each with who said so and when."""
    source = names.department(decision.publisher, language)
    said_on = in_words(decision.recorded_at.date().isoformat(), language)
    title = names.event_types.get(decision.event_type)
    happened = WhyFact(
        label=_WHAT_HAPPENED.in_(language),
        value=title.in_(language) if title is not None else decision.event_type,
        source=source,
        date=in_words(decision.occurred, language),
    )
    used = (
        WhyFact(
            label=_label(decision.event_type, fact, names, language),
            value=_fact_in_words(fact, names, language),
            source=_OUR_RECORD.in_(language) if fact.name.startswith("derived.") else source,
            date=said_on,
        )
        for fact in decided.facts
    )
    return (happened, *used)


def in_words(text: str, language: Language) -> str:
    """A date, possibly partial, as people write it; any other text as it is."""
    match = _DATE.fullmatch(text)
    if match is None:
        return text
    year, month, day = match[1], match[2], match[3]
    try:
        date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return text
    if month is None:
        return year
    named = f"{_MONTHS[language][int(month) - 1]} {year}"
    return named if day is None else f"{int(day)} {named}"


def _fill(text: str, words: Mapping[str, str]) -> str:
    """A text with its placeholders filled; raises ContentUnavailable when a word is missing.

    A prompt with a hole in it is worse than one that comes later.
    """

    def word(match: re.Match[str]) -> str:
        if match[1] not in words:
            raise ContentUnavailable
        return words[match[1]]

    return _PLACEHOLDER.sub(word, text)


def _lawful_basis(nudge: Nudge, language: Language) -> str:
    known = _BASES.get(nudge.lawful_basis)
    return known.in_(language) if known is not None else nudge.lawful_basis


def _label(event_type: str, fact: UsedFact, names: Names, language: Language) -> str:
    known = names.facts.get((event_type, fact.name)) or _LABELS.get(fact.name)
    if known is not None:
        return known.in_(language)
    return fact.name.rpartition(".")[2].replace("_", " ").capitalize()


def _fact_in_words(fact: UsedFact, names: Names, language: Language) -> str:
    if fact.name == "publisher":
        return names.department(fact.value, language)
    if fact.name == "nation" and fact.value in _NATIONS:
        return _NATIONS[fact.value].in_(language)
    if fact.value in _WORDS:
        return _WORDS[fact.value].in_(language)
    return in_words(fact.value, language)
