"""Catalogue documents as this service's own model, and the rules between files.

What one file may say is its JSON Schema; what must agree between a nudge, its event type and the
agreements is checked here, each fault with its file, line and column.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from services.kit.catalogue import CatalogueInvalid, Document, Problem
from services.nudges.domain.eligibility import ORDERED, Comparison, Operator
from services.nudges.domain.life_event import Reason
from services.nudges.domain.nudge import Corrections, Effect, Nudge
from services.nudges.domain.permission import LawfulBasis

PLACEHOLDERS: Final = frozenset({"occurred", "deadline"})
_BRACED: Final = re.compile(r"\{([^{}]*)\}|[{}]")
_KINDS: Final = {"boolean": (bool,), "integer": (int,), "number": (int, float), "string": (str,)}


@dataclass(frozen=True, slots=True)
class EventType:
    """What a nudge may rely on of an event type.

    `unchosen` are the roles of a type that silences people: nothing is offered to them because of
    it. Whoever an informant chose may be.
    """

    type: str
    nations: frozenset[str]
    concerned: frozenset[str]
    unchosen: frozenset[str]
    facts: Mapping[str, Mapping[str, Any]]
    on_log: frozenset[str]
    derived_record: frozenset[str]
    corrections: Corrections


def event_types(documents: Iterable[Document]) -> Mapping[str, EventType]:
    """Every event type by its name."""
    found = [document.data for document in documents]
    return {
        each["type"]: EventType(
            type=each["type"],
            nations=frozenset(each["nations"]),
            concerned=frozenset(n for n, role in each["roles"].items() if role["concerned"]),
            unchosen=frozenset(
                n
                for n, role in each["roles"].items()
                if "fences" in each and not role.get("chosen_by")
            ),
            facts=each["facts"].get("properties", {}),
            on_log=frozenset(each["on_log"]),
            derived_record=frozenset(each.get("derived_record", ())),
            corrections={Reason(n): Effect(word) for n, word in each["corrections"].items()},
        )
        for each in found
    }


def permittable(documents: Iterable[Document]) -> frozenset[tuple[str, str]]:
    """Every (purpose, department) that an agreement describes."""
    return frozenset(
        (document.data["purpose"], controller["id"])
        for document in documents
        for controller in document.data["controllers"]
    )


def nudges(
    documents: Iterable[Document],
    types: Mapping[str, EventType],
    agreed: frozenset[tuple[str, str]],
) -> tuple[Nudge, ...]:
    """Every nudge; raises CatalogueInvalid with all that does not fit together."""
    problems: list[Problem] = []
    found: dict[str, tuple[Nudge, Document]] = {}
    for document in documents:
        faults = list(_faults(document, types, agreed))
        first = found.get(document.data["id"])
        if first is not None:
            message = f"/id also stands at {first[1].where('/id')}"
            faults.append(document.problem("/id", "duplicate_id", message))
        problems += faults
        if not faults:
            found[document.data["id"]] = (_nudge(document.data), document)
    if problems:
        raise CatalogueInvalid(problems)
    return tuple(nudge for nudge, _ in found.values())


def _faults(
    document: Document, types: Mapping[str, EventType], agreed: frozenset[tuple[str, str]]
) -> Iterator[Problem]:
    data = document.data
    yield from _date_faults(document)
    yield from _window_faults(document)
    yield from _text_faults(document)
    if (data["purpose"], data["owner"]) not in agreed:
        yield document.problem(
            "/owner", "agreement_unknown", "/owner stands in no agreement of this purpose"
        )
    for position, name in enumerate(data.get("timing", {}).get("unless", ())):
        pointer = f"/timing/unless/{position}"
        if name not in types:
            yield document.problem(
                pointer, "event_type_unknown", f"{pointer} is in no file of catalogue/events"
            )
        elif name == data["event_type"]:
            yield document.problem(
                pointer, "window_invalid", f"{pointer} would call off what it answers"
            )
    answered = types.get(data["event_type"])
    if answered is None:
        yield document.problem(
            "/event_type", "event_type_unknown", "/event_type is in no file of catalogue/events"
        )
        return
    yield from _audience_faults(document, answered)
    yield from _condition_faults(document, answered)


def _date_faults(document: Document) -> Iterator[Problem]:
    data = document.data
    named = {f"/effective/{name}": day for name, day in data["effective"].items()}
    for pointer, day in {
        **named,
        **{f"/{n}": data[n] for n in ("last_checked", "review_by")},
    }.items():
        try:
            date.fromisoformat(day)
        except ValueError:
            yield document.problem(pointer, "date_invalid", f"{pointer} is no day of the calendar")
            return
    if data["effective"].get("until", "9") <= data["effective"]["from"]:
        yield document.problem(
            "/effective/until", "window_invalid", "/effective/until must be after /effective/from"
        )
    if data["review_by"] <= data["last_checked"]:
        yield document.problem(
            "/review_by", "window_invalid", "/review_by must be after /last_checked"
        )


def _window_faults(document: Document) -> Iterator[Problem]:
    data = document.data
    after = _days(data.get("timing", {}).get("after"))
    for name in ("fresh_for", "deadline"):
        if name in data and after >= _days(data[name]):
            yield document.problem(
                "/timing/after", "window_invalid", f"/timing/after must be shorter than /{name}"
            )


def _text_faults(document: Document) -> Iterator[Problem]:
    data = document.data
    allowed = PLACEHOLDERS if "deadline" in data else PLACEHOLDERS - {"deadline"}
    texts = {
        f"/messages/{language}/{part}": message[part]
        for language, message in data["messages"].items()
        for part in ("title", "body")
    }
    for pointer, text in texts.items():
        for found in _BRACED.finditer(text):
            if found.group(1) not in allowed:
                names = " and ".join(sorted(allowed))
                yield document.problem(
                    pointer, "placeholder_forbidden", f"{pointer} may only hold {names}"
                )


def _audience_faults(document: Document, answered: EventType) -> Iterator[Problem]:
    for position, role in enumerate(document.data["roles"]):
        if role in answered.unchosen:
            pointer = f"/roles/{position}"
            message = f"{pointer} is told nothing of this type but what somebody chose for them"
            yield document.problem(pointer, "role_not_chosen", message)
    for name, known in (("roles", answered.concerned), ("nations", answered.nations)):
        for position, entry in enumerate(document.data[name]):
            if entry not in known:
                pointer = f"/{name}/{position}"
                code = "role_unknown" if name == "roles" else "nation_unknown"
                yield document.problem(
                    pointer, code, f"{pointer} is none that the event type is about"
                )


def _condition_faults(document: Document, answered: EventType) -> Iterator[Problem]:
    for position, comparison in enumerate(document.data.get("condition", ())):
        pointer = f"/condition/{position}"
        kinds = _kinds(comparison["name"], answered)
        if kinds is None:
            yield document.problem(
                f"{pointer}/name", "fact_unknown", f"{pointer}/name is not on the log for this type"
            )
        elif not _fits(comparison, kinds):
            yield document.problem(
                f"{pointer}/value", "value_type", f"{pointer}/value does not fit its name and is"
            )


def _kinds(name: str, answered: EventType) -> tuple[type, ...] | None:
    """Python types a name may have; None when the log never carries it."""
    family, _, rest = name.partition(".")
    if name in {"nation", "publisher"}:
        return (str,)
    if name == "derived.age_years":
        return (int,)
    if family == "facts":
        schema = answered.facts.get(rest)
        if schema is None or rest not in answered.on_log:
            return None
        if "enum" in schema:
            return tuple({type(value) for value in schema["enum"]})
        return _KINDS.get(schema.get("type", ""), (str,))
    known = rest.removeprefix("record.") in answered.derived_record
    return (str, bool, int, float) if known else None


def _fits(comparison: Mapping[str, Any], kinds: tuple[type, ...]) -> bool:
    operator = Operator(comparison["is"])
    value = comparison["value"]
    if (operator is Operator.ONE_OF) != isinstance(value, list):
        return False
    values = value if isinstance(value, list) else [value]
    if operator in ORDERED and any(isinstance(each, str | bool) for each in values):
        return False
    return bool(values) and all(type(each) in kinds for each in values)


def _nudge(data: Mapping[str, Any]) -> Nudge:
    major, minor = (int(part) for part in data["version"].split("."))
    effective, timing = data["effective"], data.get("timing", {})
    return Nudge(
        id=data["id"],
        major=major,
        minor=minor,
        controller=data["owner"],
        purpose=data["purpose"],
        lawful_basis=LawfulBasis(data["lawful_basis"]),
        event_type=data["event_type"],
        roles=frozenset(data["roles"]),
        nations=frozenset(data["nations"]),
        effective_from=date.fromisoformat(effective["from"]),
        effective_until=date.fromisoformat(effective["until"]) if "until" in effective else None,
        fresh_days=_days(data["fresh_for"]),
        channels=frozenset(data["channels"]),
        after_days=_days(timing.get("after")),
        deadline_days=_days(data["deadline"]) if "deadline" in data else None,
        condition=tuple(_comparison(each) for each in data.get("condition", ())),
        unless=frozenset(timing.get("unless", ())),
    )


def _comparison(data: Mapping[str, Any]) -> Comparison:
    value = data["value"]
    values = tuple(value) if isinstance(value, list) else (value,)
    return Comparison(data["name"], Operator(data["is"]), values)


def _days(text: str | None) -> int:
    return timedelta(days=int(text.removesuffix("d"))).days if text else 0
